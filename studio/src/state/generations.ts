/** The newest known document of each generation. Screens show these signals; the stream and every answer keep them new. */
import { signal, type Signal } from '@preact/signals';

import { get, post } from '../api/client';
import type { Batch, Generation, OrderFields } from '../api/schemas';
import { refreshBalance } from '../app/balance';

const known = new Map<string, Signal<Generation>>();

/** Keep a document, unless a newer one is known; the signal of its generation. */
export function keep(generation: Generation): Signal<Generation> {
  const held = known.get(generation.id);
  if (!held) {
    const made = signal(generation);
    known.set(generation.id, made);
    return made;
  }
  if (generation.updated_at >= held.value.updated_at) held.value = generation;
  return held;
}

/** The signal of a generation, if the page has seen the generation. */
export function knownGeneration(id: string): Signal<Generation> | undefined {
  return known.get(id);
}

/** Read a generation. Throws a Problem. */
export async function readGeneration(id: string): Promise<Signal<Generation>> {
  return keep(await get<Generation>(`/v1/generations/${encodeURIComponent(id)}`));
}

/** Forget everything: another customer's page begins. */
export function forgetGenerations(): void {
  known.clear();
}

/** Whether the generation has ended. */
export function hasEnded({ status }: Pick<Generation, 'status'>): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled';
}

/** The generations of the last order that the form placed, newest first: they may be nowhere in a list yet. */
export const placed = signal<readonly Signal<Generation>[]>([]);

/**
 * Place an order, or several together. Throws a Problem.
 *
 * `idempotencyKey` stays the same for one press of the button, so that a repeated request pays once.
 */
export async function placeOrder(orders: readonly OrderFields[], idempotencyKey: string): Promise<Signal<Generation>[]> {
  const options = { headers: { 'idempotency-key': idempotencyKey } };
  const [only] = orders;
  const made =
    only && orders.length === 1
      ? await post<Generation | Batch>('/v1/generations', only, options)
      : await post<Batch>('/v1/batches', { requests: orders }, options);
  void refreshBalance();
  const generations = made.object === 'batch' ? made.generations.data : [made];
  placed.value = generations.map(keep);
  return [...placed.value];
}
