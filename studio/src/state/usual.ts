/** The time that recent generations of a model took. */
import { signal, type Signal } from '@preact/signals';

import { post } from '../api/client';
import type { Estimate, Generation, UsualSeconds } from '../api/schemas';
import { isReadOnly } from '../app/session';
import { sameSettings } from './drafts';

interface Entry {
  value: Signal<UsualSeconds | null>;
  readAt: number;
}

const FRESH = 300_000;
const entries = new Map<string, Entry>();

/** The usual seconds of the model of a generation, from acceptance to the stored result. Null: not known. */
export function usualOf(generation: Generation): Signal<UsualSeconds | null> {
  const entry = entries.get(generation.model) ?? { value: signal(null), readAt: 0 };
  entries.set(generation.model, entry);
  // An estimate is a POST, which a page that only reads may not send.
  if (Date.now() - entry.readAt > FRESH && !isReadOnly.peek()) {
    entry.readAt = Date.now();
    void read(generation, entry);
  }
  return entry.value;
}

async function read(generation: Generation, entry: Entry): Promise<void> {
  try {
    entry.value.value = (await post<Estimate>('/v1/estimate', sameSettings(generation))).usual_seconds;
  } catch {
    // Without recent times, the card shows no rest. The next card asks after a while.
  }
}

/** The rest of the time as a range of seconds. */
export interface Rest {
  from: number;
  to: number;
}

type Timed = Pick<Generation, 'status' | 'created_at' | 'started_at' | 'queue'>;

/** The estimated rest. Null: not known, as in a pause. */
export function restOf(generation: Timed, usual: Pick<UsualSeconds, 'p50' | 'p90'> | null, now: number): Rest | null {
  if (!usual) return null;
  const { status, created_at, started_at, queue } = generation;
  let begin = new Date(started_at ?? created_at).getTime();
  if (status === 'queued' && queue) {
    if (!queue.estimated_start_at) return null;
    begin = Math.max(now, new Date(queue.estimated_start_at).getTime());
  }
  const spent = (now - begin) / 1000;
  return { from: Math.max(0, usual.p50 - spent), to: Math.max(0, usual.p90 - spent) };
}
