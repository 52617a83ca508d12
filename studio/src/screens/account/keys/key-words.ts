/** Keys in plain words, and the terms of a key as the form writes them. */
import type { Key, KeyRequest, OnLimit, Scope } from '../../../api/schemas';

export const SCOPES: readonly { scope: Scope; label: string; allows: string }[] = [
  { scope: 'generate', label: 'Generate', allows: 'order, upload, cancel and delete' },
  { scope: 'read', label: 'Read', allows: 'see generations, credits and use' },
  { scope: 'admin', label: 'Admin', allows: 'manage keys' },
  { scope: 'priority', label: 'Priority', allows: 'orders of high priority use the reserve of a provider' },
  { scope: 'credits:grant', label: 'Grant credits', allows: 'add credits to customers' },
];

export type KeyState = 'valid' | 'revoked' | 'ended';

export function stateOf({ revoked_at, expires_at }: Key, now = Date.now()): KeyState {
  if (revoked_at !== null) return 'revoked';
  return expires_at !== null && Date.parse(expires_at) <= now ? 'ended' : 'valid';
}

/** The name of a key for people. */
export function nameOf({ name, prefix }: Pick<Key, 'name' | 'prefix'>): string {
  return name ?? `${prefix}…`;
}

export const DAY = 86_400;

/** The ends that the form offers, in seconds from now. */
export const ENDS: readonly { value: string; label: string }[] = [
  { value: 'never', label: 'Never' },
  { value: String(7 * DAY), label: 'In 7 days' },
  { value: String(30 * DAY), label: 'In 30 days' },
  { value: String(90 * DAY), label: 'In 90 days' },
  { value: String(365 * DAY), label: 'In a year' },
  { value: 'day', label: 'On a day…' },
];

/** The values of the form, as texts. */
export interface Terms {
  name: string;
  scopes: readonly Scope[];
  dailyCap: string;
  /** A value of `ENDS`, or `keep`: the end stays as it is. */
  end: string;
  /** The day of the end, such as 2026-12-31. */
  endDay: string;
  inFlight: string;
  perDay: string;
  onLimit: OnLimit;
  isTest: boolean;
}

export const NEW_TERMS: Terms = {
  name: '',
  scopes: ['generate', 'read'],
  dailyCap: '',
  end: 'never',
  endDay: '',
  inFlight: '',
  perDay: '',
  onLimit: 'reject',
  isTest: false,
};

export function termsOf(key: Key): Terms {
  const text = (value: number | null) => (value === null ? '' : String(value));
  return {
    name: key.name ?? '',
    scopes: key.scopes as Scope[],
    dailyCap: text(key.daily_cap),
    end: 'keep',
    endDay: '',
    inFlight: text(key.in_flight),
    perDay: text(key.per_day),
    onLimit: key.on_limit,
    isTest: key.test,
  };
}

type Wrong = Partial<Record<'scopes' | 'daily_cap' | 'expires_in' | 'in_flight' | 'per_day', string>>;

/** What the form can tell before the server: a sentence for each field. */
export function wrongIn(terms: Terms, now = Date.now()): Wrong {
  const wrong: Wrong = {};
  if (terms.scopes.length === 0) wrong.scopes = 'Choose at least one scope.';
  const numbers = { daily_cap: terms.dailyCap, in_flight: terms.inFlight, per_day: terms.perDay } as const;
  for (const [field, text] of Object.entries(numbers)) {
    if (text !== '' && !/^\d+$/.test(text)) wrong[field as keyof typeof numbers] = 'Enter a whole number from 0, or nothing for no limit.';
  }
  if (terms.end === 'day') {
    const end = endOfDay(terms.endDay);
    if (Number.isNaN(end)) wrong.expires_in = 'Choose the day.';
    else if (end <= now) wrong.expires_in = 'Choose a day from today.';
  }
  return wrong;
}

/** The body of `POST /v1/keys`. */
export function requestOf(terms: Terms, now = Date.now()): KeyRequest {
  return {
    name: terms.name.trim() || null,
    scopes: [...terms.scopes],
    daily_cap: number(terms.dailyCap),
    expires_in: secondsTo(terms, now) ?? null,
    in_flight: number(terms.inFlight),
    per_day: number(terms.perDay),
    on_limit: terms.onLimit,
    makes_customers: false,
    test: terms.isTest,
  };
}

/** The body of `PATCH /v1/keys/{id}`: only what differs. */
export function changeOf(key: Key, terms: Terms, now = Date.now()): Record<string, unknown> {
  const before = termsOf(key);
  const change: Record<string, unknown> = {};
  if (terms.name.trim() !== before.name) change['name'] = terms.name.trim() || null;
  if (terms.dailyCap !== before.dailyCap) change['daily_cap'] = number(terms.dailyCap);
  if (terms.inFlight !== before.inFlight) change['in_flight'] = number(terms.inFlight);
  if (terms.perDay !== before.perDay) change['per_day'] = number(terms.perDay);
  if (terms.onLimit !== before.onLimit) change['on_limit'] = terms.onLimit;
  const end = secondsTo(terms, now);
  if (end !== undefined) change['expires_in'] = end;
  return change;
}

function number(text: string): number | null {
  return text === '' ? null : Number(text);
}

/** Null: no end. Undefined: the end stays. */
function secondsTo({ end, endDay }: Terms, now: number): number | null | undefined {
  if (end === 'keep') return undefined;
  if (end === 'never') return null;
  return end === 'day' ? Math.max(1, Math.round((endOfDay(endDay) - now) / 1000)) : Number(end);
}

/** The last moment of a day, where the person is. */
function endOfDay(day: string): number {
  return new Date(`${day}T23:59:59`).getTime();
}
