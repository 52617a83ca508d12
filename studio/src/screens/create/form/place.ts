/** The press of the button: places the order, and says what came of it. */
import { signal } from '@preact/signals';

import { asProblem, type Problem } from '../../../api/problem';
import type { OrderFields } from '../../../api/schemas';
import { balance, refreshBalance } from '../../../app/balance';
import { announce } from '../../../parts/announce';
import { credits } from '../../../parts/numbers';
import { placeOrders } from '../../../state/generations';
import { inputs, isUploading } from './inputs-list';
import { reasons, refusal } from './problems';
import { compared } from './estimate';
import { hasTried, order } from './state';

/** Whether an order is on its way. */
export const isPlacing = signal(false);

/** The orders of one press: that of the chosen model, and the same with each compared model. */
export function ordersOf(first: OrderFields, others: readonly string[]): OrderFields[] {
  return [first, ...others.map((model) => ({ ...first, model }))];
}

// The key of the last press without an answer: the order may be accepted, so the same order takes the same key.
let unanswered: { order: string; key: string } | null = null;

/** Place the order. Returns whether the order was accepted; otherwise the form says why. */
export async function place(): Promise<boolean> {
  hasTried.value = true;
  const wish = order.value;
  if (isPlacing.value || !wish) return false;
  if (isUploading(inputs.value)) {
    announce('An upload is still running.');
    return false;
  }
  if (Object.keys(reasons.value).length) return false;
  isPlacing.value = true;
  const orders = ordersOf(wish, compared.value);
  const text = JSON.stringify(orders);
  const key = unanswered?.order === text ? unanswered.key : newKey();
  try {
    const made = await placeOrders(orders, key);
    const held = made.reduce((sum, each) => sum + each.credits.held, 0);
    announce(`Ordered. ${credits(held)} credits are held.`);
    unanswered = null;
    refusal.value = null;
    hasTried.value = false;
    return true;
  } catch (thrown) {
    take(asProblem(thrown), text, key);
    return false;
  } finally {
    isPlacing.value = false;
  }
}

function take(problem: Problem, text: string, key: string): void {
  unanswered = problem.status === 0 || problem.status >= 500 ? { order: text, key } : null;
  refusal.value = { problem, order: JSON.stringify(order.value) };
  if (problem.code === 'insufficient_credits') void refreshBalance();
}

/** How many credits are missing for a price. Null: not known. */
export function missingCredits(price: number | null): number | null {
  const has = balance.value?.available;
  return price === null || has === undefined ? null : Math.max(0, price - has);
}

/** A new idempotency key. `crypto.randomUUID` is missing on plain http. */
export function newKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
