import { expect, test } from 'vitest';

import { factsOf, isTrouble, titleOf } from './timeline-words';

test('a move names the stage, and an unknown entry its own name', () => {
  expect(titleOf({ name: 'moved', stage: 'storing' })).toBe('→ storing');
  expect(titleOf({ name: 'route_changed', stage: 'queued' })).toBe('route changed');
});

test('facts without a value are left out', () =>
  expect(factsOf({ details: { size_bytes: 12, seconds: 0.1386, error: null, urls: ['a'] } })).toBe('size bytes 12 · seconds 0.14 · urls ["a"]'));

test('a refused call is trouble, an answered one is not', () => {
  const call = { at: '2026-11-29T12:00:00Z', operation: 'create', failure: null, seconds: 1 };
  expect(isTrouble({ name: 'moved', stage: 'generating', calls: [{ ...call, status: 200 }] })).toBe(false);
  expect(isTrouble({ name: 'moved', stage: 'generating', calls: [{ ...call, status: 503 }] })).toBe(true);
  expect(isTrouble({ name: 'moved', stage: 'generating', calls: [{ ...call, status: null, failure: 'timeout' }] })).toBe(true);
});
