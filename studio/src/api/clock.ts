/** The server's time: the clock of a computer may be wrong by minutes, and elapsed times are told by the second. */

/** A difference up to this is the way of an answer, and the whole seconds of its header. */
const TOLERANCE = 3000;

let offset = 0;

/** Compare the clocks by the `Date` of an answer that no cache keeps. */
export function readServerTime(date: string | null): void {
  const told = Date.parse(date ?? '');
  if (Number.isNaN(told)) return;
  const difference = told - Date.now();
  offset = Math.abs(difference) > TOLERANCE ? difference : 0;
}

/** Now, in milliseconds, by the server's clock. */
export function serverNow(): number {
  return Date.now() + offset;
}
