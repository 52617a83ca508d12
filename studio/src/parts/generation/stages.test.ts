import { expect, test } from 'vitest';

import { costInWords } from './cost';
import { restInWords } from './progress';
import { placeInWords } from './stages';

test.each([
  [{ from: 20.4, to: 44.2 }, 'about 20 to 45 s left'],
  [{ from: 50, to: 100 }, 'about 50 s to 1 min 40 s left'],
  [{ from: 185, to: 186 }, 'about 3 min 6 s left'],
  [{ from: 0, to: 12 }, 'at most 12 s left, usually'],
  [{ from: 0, to: 0 }, 'longer than usual'],
])('%o reads %s', (rest, text) => expect(restInWords(rest)).toBe(text));

test('a place in the queue says how many go first, where that is known', () => {
  expect(placeInWords({ reason: 'capacity', ahead: 7, estimated_start_at: null })).toMatch(/: 7 before it$/);
  expect(placeInWords({ reason: 'capacity', ahead: 0, estimated_start_at: null })).toMatch(/: next$/);
  expect(placeInWords({ reason: 'paused', ahead: null, estimated_start_at: null })).toBe('Paused by the operator');
});

test('the cost of an end says what was taken or came back', () => {
  const credits = { price: 4, held: 0, captured: 0, released: 4 };
  expect(costInWords({ credits, outcome: null })).toBe('Not charged: 4 credits came back.');
  expect(costInWords({ credits: { ...credits, captured: 4, released: 0 }, outcome: null })).toBe('4 credits charged.');
});
