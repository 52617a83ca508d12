import { signal } from '@preact/signals';

import { serverNow } from '../api/clock';

const absolute = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'medium' });
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
const day = new Intl.DateTimeFormat('en', { dateStyle: 'medium' });

/** The time, once a second: what shows it changes with it. */
export const now = signal(serverNow());
setInterval(() => (now.value = serverNow()), 1000);

// Reading `slow` alone wakes its readers once in half a minute.
const slow = signal(serverNow());
setInterval(() => (slow.value = serverNow()), 30_000);

/** A moment relative to now, such as "3 minutes ago". A week away: the date. */
export function ago(moment: string | number | Date, from = serverNow()): string {
  const seconds = (new Date(moment).getTime() - from) / 1000;
  const size = Math.abs(seconds);
  if (size < 45) return seconds > 5 ? 'in a moment' : 'just now';
  if (size < 3600) return relative.format(Math.round(seconds / 60), 'minute');
  if (size < 86_400) return relative.format(Math.round(seconds / 3600), 'hour');
  if (size < 604_800) return relative.format(Math.round(seconds / 86_400), 'day');
  return day.format(new Date(moment));
}

/** A moment as date and time. */
export function moment(at: string): string {
  return absolute.format(new Date(at));
}

/** A moment: relative to now, and absolute on hover. */
export function Time({ at }: { at: string }) {
  return (
    <time dateTime={at} title={moment(at)}>
      {ago(at, Math.max(slow.value, serverNow()))}
    </time>
  );
}
