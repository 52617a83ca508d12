/** Whose support this is: the operator's, who sees all customers, or a service's, which sees its own. */
import { signal } from '@preact/signals';

import { get } from '../../api/client';
import { asProblem, type Problem } from '../../api/problem';
import type { ManagedCustomer } from '../../api/schemas';

export type Manager = 'operator' | 'service';

/** Null: not known yet. */
export const manager = signal<Manager | null>(null);

export const managerProblem = signal<Problem | null>(null);

/** Learn whose key this is: only the operator's lists services. */
export async function learnManager(): Promise<void> {
  managerProblem.value = null;
  try {
    await get('/v1/admin/services', { limit: 1 });
    manager.value = 'operator';
  } catch (thrown) {
    const problem = asProblem(thrown);
    if (problem.code === 'not_for_this_key') manager.value = 'service';
    else managerProblem.value = problem;
  }
}

/** The name by which the key names a customer. */
export function nameFor({ id, customer_id: own }: ManagedCustomer): string {
  return manager.value === 'service' ? (own ?? id) : id;
}
