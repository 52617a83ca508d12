/** The order that another screen hands to the form: a variation, a result as input, an extension. */
import { signal } from '@preact/signals';

import type { Order } from '../api/schemas';
import { go } from '../app/routes';

/** The fields that the form takes over. Null: none wait. The form sets it to null when it has taken them. */
export const draft = signal<Partial<Order> | null>(null);

/** Open the form with these fields; the other fields keep their values. */
export function openDraft(fields: Partial<Order>): void {
  draft.value = fields;
  go('#/create');
}
