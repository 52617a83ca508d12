import { expect, test } from 'vitest';

import { readServerTime, serverNow } from './clock';

const header = (difference: number) => new Date(Date.now() + difference).toUTCString();
const difference = () => serverNow() - Date.now();

test('a clock that is wrong by minutes is set right', () => {
  readServerTime(header(-300_000));
  expect(Math.abs(difference() + 300_000)).toBeLessThan(2000);
});

test('a small difference, and an answer without a date, change nothing', () => {
  readServerTime(header(1000));
  expect(difference()).toBe(0);
  readServerTime(null);
  expect(difference()).toBe(0);
});
