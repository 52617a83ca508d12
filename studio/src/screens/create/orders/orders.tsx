import { useEffect } from 'preact/hooks';

import type { Generation } from '../../../api/schemas';
import { actsFor, may } from '../../../app/session';
import { Button } from '../../../parts/button';
import { Empty } from '../../../parts/empty';
import { mayRetry, useRetryKey } from '../../../parts/generation/retry-key';
import { knownGeneration } from '../../../state/generations';
import { neighbours } from '../../../state/neighbours';
import { grouped, orders, ordersProblem, readOrders } from '../../../state/orders';
import { BatchCard } from './batch-card';
import { OrderCard } from './order-card';
import './orders.css';

/** A card for each unfinished and each recent order, the newest first. */
export function Orders() {
  const isForSomebody = actsFor.value !== null;
  useEffect(() => {
    if (isForSomebody) void readOrders();
  }, [isForSomebody]);
  useRetryKey(() => ofFocus() ?? orders.value?.map(({ value }) => value).find(mayRetry));
  const { value } = orders;
  useEffect(() => {
    if (value) neighbours.value = value.map((each) => each.peek().id);
  }, [value]);
  return (
    <section class="orders" aria-label="Your orders">
      <h2>Your orders</h2>
      {value?.length ? (
        grouped(value).map(({ key, batchId, members }) =>
          batchId ? (
            <BatchCard key={key} id={batchId} members={members} />
          ) : (
            members.map((each) => <OrderCard key={key} order={each} />)
          ),
        )
      ) : (
        <Nothing isKnown={value !== null} />
      )}
    </section>
  );
}

/** The order of the card that has the focus. */
function ofFocus(): Generation | undefined {
  const card = document.activeElement?.closest<HTMLElement>('[data-order]');
  return card ? knownGeneration(card.dataset['order'] ?? '')?.value : undefined;
}

function Nothing({ isKnown }: { isKnown: boolean }) {
  if (!actsFor.value) {
    return (
      <div class="glass panel">
        <Empty icon="person">
          <p>This key acts for no customer of its own. {may('admin') ? <a href="#/support">View a customer</a> : null}</p>
        </Empty>
      </div>
    );
  }
  if (ordersProblem.value) {
    return (
      <div class="glass panel orders-problem" role="alert">
        <p>{ordersProblem.value}</p>
        <Button icon="again" onClick={() => void readOrders()}>
          Try again
        </Button>
      </div>
    );
  }
  if (!isKnown) return <div class="order glass order-waits" aria-busy="true" aria-label="Your orders are read" />;
  return (
    <div class="glass panel">
      <Empty icon="spark">
        <p>Nothing yet. Describe a picture or a video, and press Generate: its card comes here at once.</p>
      </Empty>
    </div>
  );
}
