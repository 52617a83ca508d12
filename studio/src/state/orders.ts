/** The unfinished and the recent orders, for the cards beside the form. */
import { computed, signal, type Signal } from '@preact/signals';

import { get } from '../api/client';
import { asProblem } from '../api/problem';
import type { Batch, Generation, Page } from '../api/schemas';
import { deleting } from './deleting';
import { forgetGeneration, keep, knownGeneration, placed, readGeneration, unfinished } from './generations';

const MOST_UNFINISHED = 100;
const RECENT = 12;

/** The outputs of a batch that a card shows; the gallery has the others. */
const MOST_OUTPUTS = 24;

/** The ids that the server listed. Null: not read yet. */
const listed = signal<readonly string[] | null>(null);

/** Why the orders could not be read. */
export const ordersProblem = signal<string | null>(null);

/** The orders, the newest first. Null: not known yet. */
export const orders = computed<readonly Signal<Generation>[] | null>(() => {
  if (!listed.value && !placed.value.length) return null;
  const ids = new Set([...placed.value, ...(listed.value ?? [])]);
  return [...ids]
    .filter((id) => !deleting.value.has(id))
    .map(knownGeneration)
    .filter((each) => each !== undefined)
    .sort((one, other) => compared(other.peek(), one.peek()));
});

// The generations of a batch have one time, and keep their order.
function compared(one: Generation, other: Generation): number {
  return one.created_at < other.created_at ? -1 : one.created_at > other.created_at ? 1 : 0;
}

/** Read the unfinished and the recent orders, and what became of those that the page believes to be unfinished. */
export async function readOrders(): Promise<void> {
  const believed = new Set(unfinished().map(({ id }) => id));
  try {
    const [open, recent] = await Promise.all([
      list({ status: ['queued', 'processing'], limit: MOST_UNFINISHED }),
      list({ limit: RECENT }),
    ]);
    const read = [...open, ...recent];
    for (const each of read) keep(each);
    await readBatches(read);
    listed.value = [...new Set(read.map(({ id }) => id))];
    ordersProblem.value = null;
    for (const { id } of read) believed.delete(id);
  } catch (thrown) {
    ordersProblem.value = asProblem(thrown).message;
    return;
  }
  await Promise.all([...believed].map(readEnded));
}

async function list(query: { status?: string[]; limit: number }): Promise<Generation[]> {
  return (await get<Page<Generation>>('/v1/generations', query)).data;
}

async function readEnded(id: string): Promise<void> {
  try {
    await readGeneration(id);
  } catch (thrown) {
    if (asProblem(thrown).status === 404) forgetGeneration(id);
  }
}

/** Another customer's page begins. */
export function forgetOrders(): void {
  listed.value = null;
  batches.value = new Map();
  ordersProblem.value = null;
}

/** One card: a generation, or the generations of a batch. */
export interface OrderGroup {
  key: string;
  batchId: string | null;
  members: readonly Signal<Generation>[];
}

/** The orders with the generations of a batch together. */
export function grouped(list: readonly Signal<Generation>[]): OrderGroup[] {
  const groups = new Map<string, Signal<Generation>[]>();
  for (const each of list) {
    const { id, batch_id } = each.peek();
    const key = batch_id ?? id;
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  return [...groups].map(([key, members]) => ({ key, batchId: members[0]?.peek().batch_id ?? null, members }));
}

/** The outputs of a batch, in the order of the request. */
interface Outputs {
  /** Those that a card shows. */
  ids: readonly string[];
  /** The number of all. */
  total: number;
}

/** The batches that were read. */
export const batches = signal<ReadonlyMap<string, Outputs>>(new Map());

/** Read the outputs of a batch, once. Without an answer, the card shows those of the list. */
export async function readBatch(id: string): Promise<void> {
  if (batches.value.has(id)) return;
  try {
    const { generations, counts } = await get<Batch>(`/v1/batches/${encodeURIComponent(id)}`, { limit: MOST_OUTPUTS });
    for (const each of generations.data) keep(each);
    const outputs = { ids: generations.data.map((each) => each.id), total: counts.total };
    batches.value = new Map(batches.value).set(id, outputs);
  } catch {
    // The next reading of the orders asks again.
  }
}

// Before the list shows: a card that grows later would move those below.
async function readBatches(read: readonly Generation[]): Promise<void> {
  const ids = new Set(read.map(({ batch_id }) => batch_id).filter((id) => id !== null));
  await Promise.all([...ids].map(readBatch));
}

/** Generations of which the server said that they cannot be cancelled: their providers cannot stop. */
const notCancellable = signal<ReadonlySet<string>>(new Set());

export function noteNotCancellable(id: string): void {
  notCancellable.value = new Set([...notCancellable.value, id]);
}

/** Whether the generation can still be cancelled, as far as the page knows. */
export function isCancellable({ id, stage, cancel_requested_at }: Generation): boolean {
  const isEarly = stage === 'queued' || stage === 'submitting' || stage === 'generating';
  return isEarly && !cancel_requested_at && !notCancellable.value.has(id);
}
