const whole = new Intl.NumberFormat('en');

/** A number of credits, such as 1,250. */
export function credits(amount: number): string {
  return whole.format(amount);
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

/** A size, such as 3.4 MB. */
export function bytes(size: number): string {
  let value = size;
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}

/** A span of time, such as 45 s, 3 min 20 s or 2 h 5 min. */
export function seconds(span: number): string {
  const total = Math.max(0, Math.round(span));
  if (total < 60) return `${total} s`;
  const minutes = Math.floor(total / 60);
  if (minutes < 60) return total % 60 ? `${minutes} min ${total % 60} s` : `${minutes} min`;
  return minutes % 60 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : `${minutes / 60} h`;
}
