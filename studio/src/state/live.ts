/** Keeps the page live: the events of the stream, their announcements, and the balance at each end. */
import { computed, effect, signal } from '@preact/signals';

import { address } from '../api/client';
import { asProblem } from '../api/problem';
import type { Generation, GenerationEvent } from '../api/schemas';
import { refreshBalance } from '../app/balance';
import { actsFor, isLeaving } from '../app/session';
import { announce } from '../parts/announce';
import { promptOf } from '../parts/media/media';
import { coalesced } from './coalesced';
import { forgetGeneration, forgetGenerations, knownGeneration, readGeneration, take } from './generations';
import { forgetOrders, readOrders } from './orders';
import { hear, type State } from './stream/tabs';

/** How the stream stands. `starting`: not open yet. */
export const connection = signal<State | 'starting'>('starting');

/** Grows with each event of a generation that the page has not seen: another tab or a program ordered. */
export const news = signal(0);

/** Whose events the page hears. */
const listensTo = computed(() => actsFor.value?.id ?? null);

const readSoon = coalesced(whileSignedIn(readOrders), 1500);
const balanceSoon = coalesced(whileSignedIn(refreshBalance), 1000);

/** A run that does nothing once the page acts for no customer, or for one who is leaving. */
function whileSignedIn(run: () => Promise<void>): () => Promise<void> {
  return async () => {
    if (listensTo.peek() !== null && !isLeaving.peek()) await run();
  };
}

/** Follow the events of whoever is signed in. */
export function startLive(): void {
  effect(() => {
    const customer = listensTo.value;
    if (customer === null) return;
    const ending = new AbortController();
    hear(`reelworks-events ${address('/')} ${customer}`, { onEvent, onState }, ending.signal);
    return () => {
      ending.abort();
      connection.value = 'starting';
      forgetGenerations();
      forgetOrders();
    };
  });
  addEventListener('visibilitychange', readAfterSleep);
  addEventListener('pageshow', ({ persisted }) => persisted && readSoon());
}

function onState(state: State): void {
  connection.value = state;
  // What came before the stream's position is in the documents, and what comes after is in the stream.
  if (state === 'live') readSoon();
}

// A page that nobody sees may be put to sleep, and then hears no word of other tabs.
let hiddenAt = 0;
const SLEEP = 60_000;

function readAfterSleep(): void {
  if (document.visibilityState === 'hidden') hiddenAt = Date.now();
  else if (listensTo.value && Date.now() - hiddenAt > SLEEP) readSoon();
}

function onEvent(event: GenerationEvent): void {
  const held = knownGeneration(event.generation_id);
  if (!held) {
    if (event.type === 'progress') return;
    news.value += 1;
    if (event.type === 'end') balanceSoon();
    return readSoon();
  }
  const before = held.value.status;
  if (event.type === 'end') return void readEnd(event.generation_id);
  take(event);
  if (held.value.status !== before) announce(sentence(held.value));
}

const PAUSES = [1000, 3000, 10_000, 30_000] as const;

/** An event does not tell the files and the credits of an end. */
async function readEnd(id: string): Promise<void> {
  balanceSoon();
  for (const pause of [...PAUSES, null]) {
    try {
      announce(sentence((await readGeneration(id)).value));
      return;
    } catch (thrown) {
      if (asProblem(thrown).status === 404) return forgetGeneration(id);
      // The next opening of the stream reads again, too.
      if (pause === null) return;
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
}

const WORDS: Record<Generation['status'], string> = {
  queued: 'is in the queue',
  processing: 'is being made',
  completed: 'is ready',
  failed: 'failed',
  cancelled: 'is cancelled',
};

function sentence(generation: Generation): string {
  const prompt = promptOf(generation);
  const short = prompt.length > 60 ? `${prompt.slice(0, 57)}…` : prompt;
  return `The ${generation.kind} “${short}” ${WORDS[generation.status]}`;
}
