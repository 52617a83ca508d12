import { expect, test } from 'vitest';

import { parsed, to } from './routes';

test('a place that is written is read as the same place', () => {
  const place = to('g/a%20b', { kind: 'video', status: ['failed', 'cancelled'], q: null });
  const { path, query } = parsed(place);
  expect(path).toEqual(['g', 'a b']);
  expect(query.getAll('status')).toEqual(['failed', 'cancelled']);
  expect(query.get('kind')).toBe('video');
  expect(query.has('q')).toBe(false);
});

test('an empty or a broken hash is a place', () => {
  expect(parsed('').path).toEqual([]);
  expect(parsed('#/g/%E0%A4%A').path).toEqual(['g', '%E0%A4%A']);
});
