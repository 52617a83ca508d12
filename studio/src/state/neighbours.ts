/** The list from which a person opened a generation, so that the arrows of the details go through that list. */
import { signal } from '@preact/signals';

/** The ids in the order of the list. The gallery and the orders set them when they show a list. */
export const neighbours = signal<readonly string[]>([]);

/** The generations before and after one in the list. Null: none, or not known. */
export function around(id: string): { previous: string | null; next: string | null } {
  const ids = neighbours.value;
  const at = ids.indexOf(id);
  if (at < 0) return { previous: null, next: null };
  return { previous: ids[at - 1] ?? null, next: ids[at + 1] ?? null };
}
