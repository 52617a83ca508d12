import { expect, test } from 'vitest';

import { lengthOf } from './counting';

test.each([
  ['a boat', 6, 6],
  ['a 🚤', 3, 4],
  ['', 0, 0],
  ['é👍🏽', 3, 5],
])('%s has %d characters and %d units of UTF-16', (text, characters, units) => {
  expect(lengthOf(text, 'characters')).toBe(characters);
  expect(lengthOf(text, 'utf16')).toBe(units);
});
