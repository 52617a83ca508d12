import { expect, test } from 'vitest';

import type { Key } from '../../../api/schemas';
import { changeOf, DAY, NEW_TERMS, requestOf, stateOf, termsOf, wrongIn } from './key-words';

const KEY: Key = {
  object: 'key',
  id: '1f0b6a52-6a0f-4b8e-8d6b-0d8a3f0a7c11',
  prefix: 'rw_Ab3dE',
  name: 'web shop',
  scopes: ['generate', 'read'],
  test: false,
  makes_customers: false,
  daily_cap: 500,
  spent_today: 20,
  in_flight: null,
  per_day: null,
  on_limit: 'reject',
  used: null,
  created_at: '2026-11-01T00:00:00Z',
  expires_at: '2026-12-01T00:00:00Z',
  last_used_at: null,
  revoked_at: null,
  replaced_by: null,
};

test('a change without changes sends nothing', () => expect(changeOf(KEY, termsOf(KEY))).toEqual({}));

test('a field that the person empties ends the term', () => {
  const terms = { ...termsOf(KEY), name: ' ', dailyCap: '', end: 'never' };
  expect(changeOf(KEY, terms)).toEqual({ name: null, daily_cap: null, expires_in: null });
});

test('a new key has no end and no cap unless the person asks', () =>
  expect(requestOf(NEW_TERMS)).toMatchObject({ name: null, daily_cap: null, expires_in: null, scopes: ['generate', 'read'] }));

test('an end in 30 days is written in seconds', () =>
  expect(requestOf({ ...NEW_TERMS, end: String(30 * DAY) }).expires_in).toBe(2_592_000));

test('an end on a day is the last moment of the day', () => {
  const now = new Date('2026-12-30T12:00:00').getTime();
  expect(requestOf({ ...NEW_TERMS, end: 'day', endDay: '2026-12-30' }, now).expires_in).toBe(12 * 3600 - 1);
});

test('a value that cannot be is told at the field', () => {
  const now = Date.parse('2026-11-29T12:00:00Z');
  expect(wrongIn({ ...NEW_TERMS, scopes: [], dailyCap: '1.5', end: 'day', endDay: '2026-11-01' }, now)).toEqual({
    scopes: 'Choose at least one scope.',
    daily_cap: 'Enter a whole number from 0, or nothing for no limit.',
    expires_in: 'Choose a day from today.',
  });
  expect(wrongIn({ ...NEW_TERMS, end: 'day' }, now)).toEqual({ expires_in: 'Choose the day.' });
});

test('a key that was revoked is revoked, also after its end', () => {
  const after = Date.parse('2027-01-01T00:00:00Z');
  expect(stateOf(KEY, Date.parse('2026-11-29T00:00:00Z'))).toBe('valid');
  expect(stateOf(KEY, after)).toBe('ended');
  expect(stateOf({ ...KEY, revoked_at: '2026-11-02T00:00:00Z' }, after)).toBe('revoked');
});
