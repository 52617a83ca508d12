import { expect, test } from 'vitest';

import type { Usage, UsageOfModel } from '../../../api/schemas';
import { csvOf, daysBetween, MOST_SERIES, period, plotOf, ticksTo } from './series';

function entry(day: string, model: string, count: number, credits = 0): UsageOfModel {
  return { day, model, count, completed: count, failed: 0, cancelled: 0, credits, downloads: 0, render_seconds: null, mean_rating: null };
}

function usage(...data: UsageOfModel[]): Usage {
  return {
    object: 'usage',
    first_day: '2026-02-27',
    last_day: '2026-03-02',
    data,
    stored_bytes: { uploads: 0, results: 0, posters: 0, variants: 0 },
  };
}

test('days without use have a place, over the end of a month', () =>
  expect(daysBetween('2026-02-27', '2026-03-02')).toEqual(['2026-02-27', '2026-02-28', '2026-03-01', '2026-03-02']));

test('a period of 7 days has the day of today in UTC and the 6 before', () =>
  expect(period(7, Date.parse('2026-03-02T23:59:00Z'))).toEqual({ first_day: '2026-02-24', last_day: '2026-03-02' }));

test('the most used model comes first, and each day has the sum', () => {
  const plot = plotOf(usage(entry('2026-03-01', 'a', 1), entry('2026-03-01', 'b', 3), entry('2026-02-27', 'b', 2)), 'generations');
  expect(plot.series.map(({ model, total }) => [model, total])).toEqual([
    ['b', 5],
    ['a', 1],
  ]);
  expect(plot.totals).toEqual([2, 0, 4, 0]);
});

test('models that cost nothing are not among the credits', () => {
  const plot = plotOf(usage(entry('2026-03-01', 'free', 9), entry('2026-03-01', 'b', 3, 12)), 'credits');
  expect(plot.series.map(({ model }) => model)).toEqual(['b']);
});

test('the least used models are drawn together, and nothing is lost', () => {
  const many = Array.from({ length: 9 }, (_, index) => entry('2026-03-01', `m${index}`, index + 1));
  const { series, totals } = plotOf(usage(...many), 'generations');
  expect(series).toHaveLength(MOST_SERIES);
  expect(series.at(-1)).toMatchObject({ model: null, total: 1 + 2 + 3 + 4 });
  expect(totals[2]).toBe(45);
});

test.each([
  [0, [0, 1]],
  [1, [0, 1]],
  [3, [0, 1, 2, 3]],
  [7, [0, 2, 4, 6, 8]],
  [12, [0, 5, 10, 15]],
  [1234, [0, 500, 1000, 1500]],
])('the axis to %d is %j', (highest, ticks) => expect(ticksTo(highest)).toEqual(ticks));

test('a model name is no formula in a spreadsheet', () =>
  expect(csvOf(usage(entry('2026-03-01', '=cmd("x")', 1)))).toContain(`2026-03-01,"'=cmd(""x"")",1,`));
