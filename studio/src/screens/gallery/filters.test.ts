import { expect, test } from 'vitest';

import { parsed } from '../../app/routes';
import { chipsOf, daysAgo, filtersOf, NO_FILTERS, placeOf, queryOf, type Filters } from './filters';

const all: Filters = {
  kind: 'video',
  states: ['running', 'failed'],
  model: 'veo-3',
  from: '2026-11-20',
  until: '2026-11-21',
  q: 'fog & sea',
  entry: ['order', 'a=b'],
  batch: '7c1f6e0b-0000-4000-8000-000000000001',
};

test('filters that are written into the address are read as the same filters', () => {
  expect(filtersOf(parsed(placeOf(all)).query)).toEqual(all);
  expect(filtersOf(parsed(placeOf(NO_FILTERS)).query)).toEqual(NO_FILTERS);
});

test('an address with other words filters nothing', () => {
  const query = new URLSearchParams('kind=sound&status=lost&from=soon&until=2026-99-99&batch_id=7&metadata_key=order&q=%20');
  expect(filtersOf(query)).toEqual(NO_FILTERS);
});

test('the days are whole days of the person', () => {
  const { created_from: from, created_before: before } = queryOf({ ...NO_FILTERS, from: '2026-11-20', until: '2026-11-20' });
  expect(Date.parse(String(from))).toBe(new Date(2026, 10, 20).getTime());
  expect(Date.parse(String(before))).toBe(new Date(2026, 10, 21).getTime());
});

test('what runs is queued or processed', () => {
  expect(filtersOf(new URLSearchParams('status=queued')).states).toEqual(['running']);
  expect(queryOf({ ...NO_FILTERS, states: ['running', 'failed'] })['status']).toEqual(['queued', 'processing', 'failed']);
});

test('a day some days ago crosses months', () => {
  expect(daysAgo(7, new Date(2026, 10, 3, 1))).toBe('2026-10-27');
});

test('each chip takes away its own filter', () => {
  const chips = chipsOf(all, (model) => model.toUpperCase());
  expect(chips.map(({ words }) => words)).toEqual([
    '“fog & sea”',
    'Videos',
    'In progress',
    'Failed',
    'VEO-3',
    'From 2026-11-20',
    'Until 2026-11-21',
    'order = a=b',
  ]);
  expect(chips[2]?.without).toEqual({ ...all, states: ['failed'] });
  const oneDay = { ...NO_FILTERS, from: '2026-11-20', until: '2026-11-20' };
  expect(chipsOf(oneDay, String)).toEqual([{ words: '2026-11-20', without: NO_FILTERS }]);
});
