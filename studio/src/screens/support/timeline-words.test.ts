import { expect, test } from 'vitest';

import { factsOf, isTrouble, titleOf } from './timeline-words';

test('a move names the stage, and an unknown entry its own name', () => {
  expect(titleOf({ name: 'moved', stage: 'storing', details: {} })).toBe('→ storing');
  expect(titleOf({ name: 'route_changed', stage: 'queued', details: {} })).toBe('route changed');
});

test('facts without a value are left out', () =>
  expect(factsOf({ name: 'stored', details: { size_bytes: 12, seconds: 0.1386, error: null, urls: ['a'] } })).toBe('size bytes 12 · seconds 0.14 · urls ["a"]'));

test('a refused call is trouble, an answered one is not', () => {
  const call = { at: '2026-11-29T12:00:00Z', operation: 'create', failure: null, seconds: 1 };
  expect(isTrouble({ name: 'moved', stage: 'generating', details: {}, calls: [{ ...call, status: 200 }] })).toBe(false);
  expect(isTrouble({ name: 'moved', stage: 'generating', details: {}, calls: [{ ...call, status: 503 }] })).toBe(true);
  expect(isTrouble({ name: 'moved', stage: 'generating', details: {}, calls: [{ ...call, status: null, failure: 'timeout' }] })).toBe(true);
});

test('a variant says in its title how far it is, and its facts do not repeat that', () => {
  const details = { name: 'small', kind: 'copy', state: 'failed', code: 'not_possible', message: 'the result cannot be decoded', worker: 'media@host' };
  const failed = { name: 'variant', stage: 'completed' as const, details, calls: [] };
  expect(titleOf(failed)).toBe('variant small was not made: the result cannot be decoded');
  expect(factsOf(failed)).toBe('kind copy · code not_possible · worker media@host');
  expect(isTrouble(failed)).toBe(true);
  const late = { ...failed, details: { name: 'small', kind: 'copy', state: 'pending', is_being_made: false, due_seconds: 40 } };
  expect(titleOf(late)).toBe('variant small waits for a worker');
  expect(factsOf(late)).toBe('kind copy · due seconds 40');
  expect(isTrouble(late)).toBe(false);
});
