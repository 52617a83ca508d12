/** What the plot of the use draws: one bar a day, with a part for each model. */
import type { Usage, UsageOfModel } from '../../../api/schemas';

export type Measure = 'generations' | 'credits';

export interface Series {
  /** The model. Null: all further models together. */
  model: string | null;
  /** The value of each day. */
  values: number[];
  total: number;
}

export interface Plot {
  /** Each day of the period, such as 2026-11-29. */
  days: string[];
  /** The models, the most used first. */
  series: Series[];
  /** The sum of each day. */
  totals: number[];
  /** The labels of the axis, from 0 to at least the highest sum. */
  ticks: number[];
}

/** As many models have a colour and a pattern of their own. */
export const MOST_SERIES = 6;

const DAY = 86_400_000;

/** Each day from the first to the last. */
export function daysBetween(first: string, last: string): string[] {
  const days: string[] = [];
  for (let at = Date.parse(first); at <= Date.parse(last); at += DAY) days.push(new Date(at).toISOString().slice(0, 10));
  return days;
}

/** The first and the last day of a period that ends today, in UTC. */
export function period(days: number, now = Date.now()): { first_day: string; last_day: string } {
  const day = (at: number) => new Date(at).toISOString().slice(0, 10);
  return { first_day: day(now - (days - 1) * DAY), last_day: day(now) };
}

function amount(entry: UsageOfModel, measure: Measure): number {
  return measure === 'credits' ? entry.credits : entry.count;
}

export function plotOf(usage: Usage, measure: Measure): Plot {
  const days = daysBetween(usage.first_day, usage.last_day);
  const place = new Map(days.map((day, index) => [day, index]));
  const byModel = new Map<string, number[]>();
  for (const entry of usage.data) {
    const index = place.get(entry.day);
    if (index === undefined) continue;
    const values = byModel.get(entry.model) ?? days.map(() => 0);
    values[index] = (values[index] ?? 0) + amount(entry, measure);
    byModel.set(entry.model, values);
  }
  const all = [...byModel].map(([model, values]) => ({ model, values, total: sum(values) })).filter((each) => each.total > 0);
  all.sort((a, b) => b.total - a.total || a.model.localeCompare(b.model));
  const series: Series[] = all.length > MOST_SERIES ? [...all.slice(0, MOST_SERIES - 1), together(all.slice(MOST_SERIES - 1), days)] : all;
  const totals = days.map((_, index) => sum(series.map((each) => each.values[index] ?? 0)));
  return { days, series, totals, ticks: ticksTo(Math.max(0, ...totals)) };
}

function together(series: readonly Series[], days: readonly string[]): Series {
  const values = days.map((_, index) => sum(series.map((each) => each.values[index] ?? 0)));
  return { model: null, values, total: sum(values) };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** Round numbers from 0 to at least the highest value: at most five steps of 1, 2 or 5 times a power of ten. */
export function ticksTo(highest: number): number[] {
  const raw = Math.max(highest, 1) / 5;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = Math.max(1, [1, 2, 5, 10].map((each) => each * power).find((each) => each >= raw) ?? 1);
  const count = Math.max(1, Math.ceil(highest / step));
  return Array.from({ length: count + 1 }, (_, index) => index * step);
}

/** The table of a period as CSV, for spreadsheets. */
export function csvOf(usage: Usage): string {
  const head = ['day', 'model', 'generations', 'completed', 'failed', 'cancelled', 'credits', 'downloads', 'render_p50', 'render_p95', 'mean_rating'];
  const rows = usage.data.map((each) => [
    each.day, each.model, each.count, each.completed, each.failed, each.cancelled, each.credits, each.downloads,
    each.render_seconds?.p50 ?? '', each.render_seconds?.p95 ?? '', each.mean_rating ?? '',
  ]); // prettier-ignore
  return [head, ...rows].map((row) => row.map(quoted).join(',')).join('\r\n') + '\r\n';
}

// A spreadsheet takes a text that begins so for a formula.
function quoted(value: string | number): string {
  const text = typeof value === 'string' && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
