import { effect, signal } from '@preact/signals';

import { get } from '../api/client';
import type { Credits } from '../api/schemas';
import { Icon } from '../parts/icon';
import { credits as written } from '../parts/numbers';
import { session } from './session';

/** The customer's credits. Null: not known. */
export const balance = signal<Credits | null>(null);

/** Read the balance anew: after an order, and when a generation ends. */
export async function refreshBalance(): Promise<void> {
  try {
    balance.value = await get<Credits>('/v1/credits');
  } catch {
    // The next end of a generation asks again; a session that ended shows the sign-in.
  }
}

effect(() => {
  balance.value = null;
  if (session.value?.customer ?? session.value?.viewing) void refreshBalance();
});

/** The balance in the frame; held credits apart. An operator's key has none. */
export function Balance() {
  const { value } = balance;
  if (!session.value?.customer && !session.value?.viewing) return null;
  return (
    <a class="balance" href="#/account" title="Credits and use">
      <Icon name="coin" />
      <span class="balance-number">{value ? written(value.available) : '…'}</span>
      <span class="visually-hidden"> credits</span>
      {value && value.held > 0 ? <span class="balance-held">{written(value.held)} held</span> : null}
    </a>
  );
}
