/** The generations that the person chose to compare. */
import { signal } from '@preact/signals';

import { to } from '../../app/routes';
import { announce } from '../../parts/announce';
import { toast } from '../../parts/toasts';

/** So many stand side by side. */
export const MOST = 3;

export const selected = signal<readonly string[]>([]);

/** Choose a generation, or give it up. */
export function toggle(id: string): void {
  if (selected.value.includes(id)) selected.value = selected.value.filter((each) => each !== id);
  else if (selected.value.length < MOST) selected.value = [...selected.value, id];
  else return void toast(`${MOST} stand side by side at most. Take one out first.`);
  announce(`${selected.value.length} chosen to compare`);
}

/** The address where generations stand side by side. */
export function comparison(ids: readonly string[]): string {
  return to('compare', { ids: ids.join(',') });
}
