/** The place in the queue changes without an event: read the places of the orders that somebody sees, a few at a time. */
import { readGeneration } from './generations';

const EACH = 5000;
const AT_ONCE = 4;

const waiting: string[] = [];
let timer: ReturnType<typeof setInterval> | undefined;

/** Keep the place of an order new until the returned function is called. */
export function watchPlace(id: string): () => void {
  waiting.unshift(id);
  readPlace(id);
  timer ??= setInterval(readSome, EACH);
  return () => {
    waiting.splice(waiting.indexOf(id), 1);
    if (waiting.length) return;
    clearInterval(timer);
    timer = undefined;
  };
}

/** Those at the front, which then go to the end. */
function readSome(): void {
  if (document.visibilityState === 'hidden') return;
  const front = waiting.splice(0, AT_ONCE);
  waiting.push(...front);
  front.forEach(readPlace);
}

function readPlace(id: string): void {
  // The next round asks again.
  readGeneration(id).catch(() => undefined);
}
