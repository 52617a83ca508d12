import { expect, test } from 'vitest';

import { bytes, credits, seconds } from './numbers';

test.each([
  [0, '0 s'],
  [59.4, '59 s'],
  [60, '1 min'],
  [200, '3 min 20 s'],
  [7500, '2 h 5 min'],
])('%d seconds read %s', (span, text) => expect(seconds(span)).toBe(text));

test.each([
  [999, '999 B'],
  [3_400_000, '3.4 MB'],
  [123_456, '123 kB'],
])('%d bytes read %s', (size, text) => expect(bytes(size)).toBe(text));

test('credits are grouped', () => expect(credits(1250000)).toBe('1,250,000'));
