/**
 * A function that does the work of many calls by few runs: at once, one at a time, and then at most one in each pause.
 *
 * The last call is always followed by a run that begins after it. A run must not throw. No run begins once the signal
 * is aborted.
 */
export function coalesced(run: () => Promise<void>, pause: number, ending?: AbortSignal): () => void {
  let isBusy = false;
  let isWanted = false;
  const begin = async () => {
    isBusy = true;
    isWanted = false;
    await run();
    setTimeout(() => {
      isBusy = false;
      if (isWanted && !ending?.aborted) void begin();
    }, pause);
  };
  return () => {
    isWanted = true;
    if (!isBusy && !ending?.aborted) void begin();
  };
}
