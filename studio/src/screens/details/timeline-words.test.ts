import { expect, test } from 'vitest';

import type { TimelineEntry } from '../../api/schemas';
import { inWords } from './timeline-words';

const entry = (name: string, details: TimelineEntry['details'], stage: TimelineEntry['stage'] = 'generating'): TimelineEntry => ({
  at: '2026-01-01T00:00:00Z',
  seconds: 0,
  gap_seconds: 0,
  name,
  stage,
  details,
});

test.each([
  [entry('moved', {}, 'generating'), 'The provider works on it'],
  [entry('moved', { code: 'provider_failed', message: 'out of memory' }, 'failed'), 'Failed: out of memory'],
  [entry('moved', { is_charged: false }, 'cancelled'), 'Cancelled, and not charged'],
  [entry('hold', { amount: 1250 }), '1,250 credits held'],
  [entry('try_failed', { times: 3 }), '3 tries failed, and were repeated'],
  [entry('stored', { role: 'result', width: 16, height: 9, size_bytes: 2000 }), 'Result stored (16 × 9, 2.0 kB)'],
  [entry('webhook', { type: 'generation.completed', number: 2, status: 500 }), 'Message generation.completed, try 2: answered with 500'],
])('%o', (told, text) => expect(inWords(told)).toBe(text));

test('an unknown kind is left out', () => expect(inWords(entry('invented', {}))).toBeNull());
