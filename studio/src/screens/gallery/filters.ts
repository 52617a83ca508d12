/** The filters of the gallery: in the address of the page, and as the list of the API takes them. */
import type { Query } from '../../api/client';
import type { Kind, Status } from '../../api/schemas';
import { to } from '../../app/routes';

/** What the gallery shows. Null and empty: everything. */
export interface Filters {
  kind: Kind | null;
  states: readonly State[];
  model: string | null;
  /** The first day, as 2026-11-20, in the person's zone. */
  from: string | null;
  /** The last day. */
  until: string | null;
  /** Words of the prompt. */
  q: string | null;
  /** A key of metadata and its value. */
  entry: readonly [key: string, value: string] | null;
  /** The batch that is open. */
  batch: string | null;
}

/** A state as people see it. */
export type State = 'running' | 'completed' | 'failed' | 'cancelled';

export const STATES: Readonly<Record<State, { label: string; statuses: readonly Status[] }>> = {
  running: { label: 'In progress', statuses: ['queued', 'processing'] },
  completed: { label: 'Completed', statuses: ['completed'] },
  failed: { label: 'Failed', statuses: ['failed'] },
  cancelled: { label: 'Cancelled', statuses: ['cancelled'] },
};

export const NO_FILTERS: Filters = { kind: null, states: [], model: null, from: null, until: null, q: null, entry: null, batch: null };

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The filters that an address names. What is no filter is left out. */
export function filtersOf(query: URLSearchParams): Filters {
  const kind = query.get('kind');
  const [key, value] = [query.get('metadata_key'), query.get('metadata_value')];
  const batch = query.get('batch_id');
  return {
    kind: kind === 'image' || kind === 'video' ? kind : null,
    states: (Object.keys(STATES) as State[]).filter((state) => STATES[state].statuses.some((status) => query.getAll('status').includes(status))),
    model: query.get('model') || null,
    from: dayOf(query.get('from')),
    until: dayOf(query.get('until')),
    q: query.get('q')?.trim().slice(0, 200) || null,
    entry: key && value ? [key, value] : null,
    batch: batch && ID.test(batch) ? batch : null,
  };
}

function dayOf(text: string | null): string | null {
  return text && DAY.test(text) && !Number.isNaN(Date.parse(text)) ? text : null;
}

function statusesOf(states: readonly State[]): Status[] {
  return states.flatMap((state) => STATES[state].statuses);
}

/** The address of the gallery with these filters. */
export function placeOf({ kind, states, model, from, until, q, entry, batch }: Filters): string {
  const [key, value] = entry ?? [];
  return to('gallery', { kind, status: statusesOf(states), model, from, until, q, metadata_key: key, metadata_value: value, batch_id: batch });
}

/** The parameters of `GET /v1/generations`. */
export function queryOf({ kind, states, model, from, until, q, entry, batch }: Filters): Query {
  return {
    kind,
    status: statusesOf(states),
    model,
    created_from: from && midnight(from, 0),
    created_before: until && midnight(until, 1),
    q,
    metadata_key: entry?.[0] ?? null,
    metadata_value: entry?.[1] ?? null,
    batch_id: batch,
  };
}

/** The start of a day in the person's zone, some days later. */
function midnight(day: string, later: number): string {
  const [year = 0, month = 1, date = 1] = day.split('-').map(Number);
  return new Date(year, month - 1, date + later).toISOString();
}

/** A day some days ago, as 2026-11-20, in the person's zone. */
export function daysAgo(days: number, now = new Date()): string {
  const then = new Date(now.getFullYear(), now.getMonth(), now.getDate() - days);
  return [then.getFullYear(), then.getMonth() + 1, then.getDate()].map((part) => String(part).padStart(2, '0')).join('-');
}

/** A filter that is set, for its chip: the words, and the filters without this one. */
export interface Chip {
  words: string;
  without: Filters;
}

/** The filters that are set, but the open batch, which has its own heading. */
export function chipsOf(filters: Filters, titleOf: (model: string) => string): Chip[] {
  const { kind, states, model, from, until, q, entry } = filters;
  const chips: Chip[] = [];
  const add = (words: string, change: Partial<Filters>) => chips.push({ words, without: { ...filters, ...change } });
  if (q) add(`“${q}”`, { q: null });
  if (kind) add(kind === 'image' ? 'Images' : 'Videos', { kind: null });
  for (const state of states) add(STATES[state].label, { states: states.filter((each) => each !== state) });
  if (model) add(titleOf(model), { model: null });
  if (from) add(from === until ? from : `From ${from}`, from === until ? { from: null, until: null } : { from: null });
  if (until && until !== from) add(`Until ${until}`, { until: null });
  if (entry) add(`${entry[0]} = ${entry[1]}`, { entry: null });
  return chips;
}
