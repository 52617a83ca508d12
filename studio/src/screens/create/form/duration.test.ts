import { expect, test } from 'vitest';

import { nearest, stepOf } from './duration';
import { shapeOf } from './shapes';

test.each([
  [[5, 10], 5],
  [[4, 6, 8], 2],
  [[3, 4, 5], 1],
  [[8], 1],
])('the slider of %j goes by %d', (allowed, step) => expect(stepOf(allowed)).toBe(step));

test('a length between two allowed ones becomes the nearer one', () => {
  expect(nearest([4, 6, 8], 7.4)).toBe(8);
  expect(nearest([5, 10], 6)).toBe(5);
});

test.each([
  ['16:9', 40, 22.5],
  ['9:16', 22.5, 40],
  ['1:8', 5, 40],
])('%s is drawn %d wide and %d high', (ratio, width, height) => expect(shapeOf(ratio).size).toEqual({ width, height }));

test('a ratio that the model decides has no shape', () => expect(shapeOf('auto').size).toBeNull());
