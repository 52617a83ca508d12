/** The last values, kept in this browser for each customer. */
import { EMPTY, type Values } from './values';

const PREFIX = 'reelworks-form-';

/** The kept values of a customer; the empty form without any. */
export function remembered(customerId: string): Values {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(PREFIX + customerId) ?? '{}');
    return { ...EMPTY, ...sound(kept), not_before: '' };
  } catch {
    return EMPTY;
  }
}

/** Keep the values. Inputs are not kept: uploads expire. */
export function remember(customerId: string, values: Values): void {
  try {
    localStorage.setItem(PREFIX + customerId, JSON.stringify(values));
  } catch {
    // A browser without room or storage forgets.
  }
}

// Another version of the page may have kept other types.
function sound(kept: unknown): Partial<Values> {
  if (typeof kept !== 'object' || kept === null) return {};
  return Object.fromEntries(Object.entries(kept).filter(([name, value]) => fits(EMPTY[name as keyof Values], value)));
}

function fits(known: unknown, value: unknown): boolean {
  if (known === null || value === null) return known === null && typeof value !== 'object';
  return typeof value === typeof known && Array.isArray(value) === Array.isArray(known);
}
