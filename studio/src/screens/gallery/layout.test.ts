import { expect, test } from 'vitest';

import { layoutFor, moved, rowsAt, Slots } from './layout';

test.each([
  [312, 640],
  [366, 844],
  [700, 900],
  [1232, 720],
  [1352, 900],
  [1352, 1440],
  [1352, 2160],
])('a grid of %d × %d pixels draws few cards, and all fit', (width, height) => {
  const { columns, width: card, rowHeight, gap } = layoutFor({ width, height, caption: 72 });
  expect(columns).toBeGreaterThanOrEqual(2);
  expect(columns * card + (columns - 1) * gap).toBeLessThanOrEqual(width);
  const [first, end] = rowsAt(rowHeight * 50 - 1, height, rowHeight, 1000);
  expect((end - first) * columns).toBeLessThanOrEqual(30);
});

test('the drawn rows cover the window, and end with the list', () => {
  expect(rowsAt(0, 500, 100, 1000)).toEqual([0, 7]);
  expect(rowsAt(1050, 500, 100, 1000)).toEqual([9, 17]);
  expect(rowsAt(1050, 500, 100, 13)).toEqual([9, 13]);
  expect(rowsAt(-300, 500, 100, 2)).toEqual([0, 2]);
  expect(rowsAt(5000, 500, 100, 3)).toEqual([3, 3]);
});

test('keys go in both directions, and stay in the list', () => {
  // Four columns, ten cards: rows 0-3, 4-7, 8-9.
  const go = (key: string, from: number) => moved(key, from, 10, 4, 2);
  expect(go('ArrowRight', 3)).toBe(4);
  expect(go('ArrowLeft', 0)).toBe(0);
  expect(go('ArrowDown', 1)).toBe(5);
  expect(go('ArrowDown', 7)).toBe(9);
  expect(go('ArrowDown', 8)).toBe(8);
  expect(go('ArrowUp', 5)).toBe(1);
  expect(go('ArrowUp', 2)).toBe(2);
  expect(go('PageDown', 1)).toBe(9);
  expect(go('PageUp', 6)).toBe(2);
  expect(go('Home', 9)).toBe(0);
  expect(go('End', 0)).toBe(9);
  expect(go('a', 0)).toBeNull();
  expect(moved('End', 0, 0, 4, 2)).toBeNull();
});

test('a row keeps its key, and a row that comes takes the key of one that left', () => {
  const slots = new Slots();
  expect(slots.of([0, 1, 2])).toEqual([0, 1, 2]);
  expect(slots.of([1, 2, 3])).toEqual([1, 2, 0]);
  // Row 2 has the focus and stays although it is far away.
  const keys = slots.of([2, 50, 51, 52]);
  expect(keys[0]).toBe(2);
  expect(new Set(keys).size).toBe(4);
});
