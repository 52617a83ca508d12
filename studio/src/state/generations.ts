/** The newest known document of each generation. Screens show these signals; the stream and every answer keep them new. */
import { signal, type Signal } from '@preact/signals';

import { get, post } from '../api/client';
import type { Batch, Generation, GenerationEvent, OrderFields } from '../api/schemas';
import { refreshBalance } from '../app/balance';

const known = new Map<string, Signal<Generation>>();

/** The ids of the generations that this page ordered, the newest first. */
export const placed = signal<readonly string[]>([]);

/** Keep a document, unless a newer one is known; the signal of its generation. */
export function keep(generation: Generation): Signal<Generation> {
  const held = known.get(generation.id);
  if (!held) {
    const made = signal(generation);
    known.set(generation.id, made);
    return made;
  }
  if (isNewer(generation, held.value)) held.value = merged(generation, held.value);
  return held;
}

// An answer may be older than an event that came meanwhile.
function isNewer(generation: Generation, held: Generation): boolean {
  return generation.updated_at >= held.updated_at && (hasEnded(generation) || !hasEnded(held));
}

/** The document; lists leave out the place in the queue, and progress never falls. */
function merged(generation: Generation, held: Generation): Generation {
  const queue = generation.queue ?? (generation.status === 'queued' && held.status === 'queued' ? held.queue : null);
  return { ...generation, queue, progress: Math.max(generation.progress, held.progress) };
}

/** Take over what an event of the stream tells; the end comes with its document instead. */
export function take(event: GenerationEvent): void {
  const held = known.get(event.generation_id);
  if (!held || hasEnded(held.value) || event.type === 'end') return;
  const { value } = held;
  const { status, stage } = event;
  held.value = {
    ...value,
    status,
    stage,
    progress: Math.max(value.progress, event.progress),
    queue: status === 'queued' ? value.queue : null,
    started_at: stage === 'generating' ? (value.started_at ?? event.created_at) : value.started_at,
    updated_at: event.created_at && event.created_at > value.updated_at ? event.created_at : value.updated_at,
  };
}

/** The signal of a generation, if the page has seen the generation. */
export function knownGeneration(id: string): Signal<Generation> | undefined {
  return known.get(id);
}

/** The generations that have not ended, as far as the page knows. */
export function unfinished(): Generation[] {
  return [...known.values()].map(({ value }) => value).filter((each) => !hasEnded(each));
}

/** Read a generation. Throws a Problem. */
export async function readGeneration(id: string): Promise<Signal<Generation>> {
  return keepWhole(await get<Generation>(`/v1/generations/${encodeURIComponent(id)}`));
}

/** Keep the answer about one generation: it tells the place in the queue, too. */
export function keepWhole(generation: Generation): Signal<Generation> {
  const held = keep(generation);
  if (held.value.queue !== generation.queue && held.value.stage === generation.stage) {
    held.value = { ...held.value, queue: generation.queue };
  }
  return held;
}

/** Forget a generation that was deleted. */
export function forgetGeneration(id: string): void {
  known.delete(id);
  placed.value = placed.value.filter((each) => each !== id);
}

/** Forget everything: another customer's page begins. */
export function forgetGenerations(): void {
  known.clear();
  placed.value = [];
}

/** Whether the generation has ended. */
export function hasEnded({ status }: Pick<Generation, 'status'>): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled';
}

/**
 * Place an order, or several together. Returns their generations. Throws a Problem.
 *
 * `idempotencyKey` stays the same for one press of the button, so that a repeated request pays once.
 */
export async function placeOrders(orders: readonly OrderFields[], idempotencyKey: string): Promise<readonly Generation[]> {
  const [path, body] = orders.length === 1 ? ['/v1/generations', orders[0]] : ['/v1/batches', { requests: orders }];
  const made = await post<Generation | Batch>(path, body, { headers: { 'idempotency-key': idempotencyKey } });
  const generations = 'generations' in made ? made.generations.data : [made];
  addPlaced(generations);
  return generations;
}

/** Take over the generations of a new order, so that their cards show at once. Returns the first. */
export function addPlaced(generations: readonly Generation[]): Signal<Generation> {
  const signals = generations.map(keepWhole);
  const ids = generations.map(({ id }) => id);
  placed.value = [...ids, ...placed.value.filter((each) => !ids.includes(each))];
  void refreshBalance();
  const [first] = signals;
  if (!first) throw new Error('an order without generations');
  return first;
}
