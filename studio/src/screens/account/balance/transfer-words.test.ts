import { expect, test } from 'vitest';

import type { Transfer } from '../../../api/schemas';
import { wordsOf } from './transfer-words';

const TRANSFER: Transfer = {
  object: 'transfer',
  id: '1',
  kind: 'hold',
  amount: 1200,
  available_change: -1200,
  generation_id: null,
  reference: null,
  reason: null,
  created_at: '2026-11-29T12:00:00Z',
};

test('a hold takes from the available credits', () =>
  expect(wordsOf(TRANSFER)).toEqual({ title: 'Set aside for a generation', effect: '−1,200' }));

test('a capture takes what was held, so the available credits stay', () =>
  expect(wordsOf({ ...TRANSFER, kind: 'capture', available_change: 0 }).effect).toBe('1,200 from held'));

test('a release gives back', () =>
  expect(wordsOf({ ...TRANSFER, kind: 'release', available_change: 1200 }).effect).toBe('+1,200'));
