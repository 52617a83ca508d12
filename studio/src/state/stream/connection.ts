/** One connection after another to `/v1/events`: each continues where the last one ended. */
import { send } from '../../api/client';
import { asProblem, type Problem } from '../../api/problem';
import type { GenerationEvent } from '../../api/schemas';
import { MessageReader } from './messages';

export interface Listener {
  /** The id of the last event that this browser has. Null: none, so the stream begins with the next event. */
  position: string | null;
  /** The stream is open, and its position is known: nothing after it gets lost. */
  onOpen: () => void;
  /** The connection is away. */
  onAway: () => void;
  onEvent: (event: GenerationEvent) => void;
  /** A message or a heartbeat came. */
  onAlive: () => void;
}

/** A heartbeat comes every 15 s. Longer than this without one: connect again. */
const SILENCE = 40_000;

const PAUSES = [1000, 2000, 4000, 8000, 15_000, 30_000] as const;

/** Refusals that the next connection meets, too: the session has ended, or may not read events. */
const FINAL = new Set([401, 403, 404]);

/** Follow the events until the signal ends it, or the server refuses for good. */
export async function follow(listener: Listener, signal: AbortSignal): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    let pause = PAUSES[0] as number;
    try {
      await connect(listener, signal, () => (failures = 0));
    } catch (thrown) {
      if (signal.aborted) return;
      const problem = asProblem(thrown);
      if (FINAL.has(problem.status)) return listener.onAway();
      // An unusable position would be refused each time.
      if (problem.status === 422) listener.position = null;
      pause = pauseAfter(failures, problem);
      failures += 1;
    }
    if (signal.aborted) return;
    listener.onAway();
    await patience(pause, signal);
  }
}

function pauseAfter(failures: number, { retryAfter }: Problem): number {
  const pause = PAUSES[Math.min(failures, PAUSES.length - 1)] as number;
  // Browsers that lost one gateway do not all come back at one time.
  return Math.max(pause * (0.75 + Math.random() / 2), (retryAfter ?? 0) * 1000);
}

async function connect(listener: Listener, signal: AbortSignal, onAnswer: () => void): Promise<void> {
  const ending = new AbortController();
  const end = () => ending.abort(signal.reason);
  signal.addEventListener('abort', end);
  let silence: ReturnType<typeof setTimeout> | undefined;
  const heard = () => {
    clearTimeout(silence);
    silence = setTimeout(() => ending.abort(new Error('silence')), SILENCE);
  };
  try {
    heard();
    const isNew = listener.position === null;
    const response = await send('GET', '/v1/events', { headers: headersAfter(listener.position), signal: ending.signal });
    onAnswer();
    if (!isNew) listener.onOpen();
    await read(response, listener, isNew, heard);
  } finally {
    clearTimeout(silence);
    signal.removeEventListener('abort', end);
  }
}

function headersAfter(position: string | null): Record<string, string> {
  return { accept: 'text/event-stream', ...(position === null ? {} : { 'last-event-id': position }) };
}

async function read(response: Response, listener: Listener, isNew: boolean, heard: () => void): Promise<void> {
  if (!response.body) throw new Error('an answer without a body');
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  const messages = new MessageReader();
  let isWaiting = isNew;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    heard();
    for (const { id, data } of messages.read(decoder.decode(value, { stream: true }))) {
      if (id !== null) listener.position = id;
      if (isWaiting && id !== null) {
        isWaiting = false;
        listener.onOpen();
      }
      if (data) listener.onEvent(JSON.parse(data) as GenerationEvent);
    }
    listener.onAlive();
  }
}

/** Wait; less when the browser says that the network is back. */
function patience(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      removeEventListener('online', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    addEventListener('online', done);
    signal.addEventListener('abort', done);
  });
}
