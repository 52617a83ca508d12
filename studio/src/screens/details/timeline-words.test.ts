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
  [entry('stored', { role: 'poster' }), 'Still picture stored'],
  [
    entry('variant', { name: 'web', kind: 'web', state: 'ready', origin: 'encoded', width: 16, height: 9, duration_seconds: 10, size_bytes: 2000, seconds: 3 }),
    'Variant web is ready (16 × 9, 10 s, 2.0 kB)',
  ],
  [entry('variant', { name: 'web', kind: 'web', state: 'ready', origin: 'original' }), 'Variant web is ready: the result itself serves'],
  [
    entry('variant', { name: 'small', kind: 'copy', state: 'failed', code: 'not_possible', message: 'the result cannot be decoded' }),
    'Variant small was not made: the result cannot be decoded',
  ],
  [entry('variant', { name: 'hls', kind: 'hls', state: 'pending', is_being_made: true, seconds: 4 }), 'Variant hls is being made'],
  [entry('variant', { name: 'hls', kind: 'hls', state: 'pending', is_being_made: false, due_seconds: 0 }), 'Variant hls waits for a worker'],
  [entry('variant', { name: 'hls', kind: 'hls', state: 'pending', is_being_made: false }), 'Variant hls waits for its next try'],
  [entry('webhook', { type: 'generation.completed', number: 2, status: 500 }), 'Message generation.completed, try 2: answered with 500'],
])('%o', (told, text) => expect(inWords(told)).toBe(text));

test('an unknown kind is left out', () => expect(inWords(entry('invented', {}))).toBeNull());
