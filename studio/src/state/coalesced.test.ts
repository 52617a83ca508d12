import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { coalesced } from './coalesced';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('many calls are one run at once and one run after the pause', async () => {
  const run = vi.fn(async () => undefined);
  const call = coalesced(run, 1000);
  for (let each = 0; each < 50; each += 1) call();
  expect(run).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(1000);
  expect(run).toHaveBeenCalledTimes(2);
  await vi.advanceTimersByTimeAsync(5000);
  expect(run).toHaveBeenCalledTimes(2);
});

test('no run begins after the end', async () => {
  const run = vi.fn(async () => undefined);
  const ending = new AbortController();
  const call = coalesced(run, 1000, ending.signal);
  call();
  call();
  ending.abort();
  await vi.advanceTimersByTimeAsync(5000);
  call();
  expect(run).toHaveBeenCalledTimes(1);
});

test('a call during a run is followed by another run', async () => {
  let end = () => undefined as void;
  const run = vi.fn(() => new Promise<void>((resolve) => (end = resolve)));
  const call = coalesced(run, 1000);
  call();
  call();
  end();
  await vi.advanceTimersByTimeAsync(1000);
  expect(run).toHaveBeenCalledTimes(2);
});
