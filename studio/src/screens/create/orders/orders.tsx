import { useEffect } from 'preact/hooks';

import { Button } from '../../../parts/button';
import { Empty } from '../../../parts/empty';
import { neighbours } from '../../../state/neighbours';
import { grouped, orders, ordersProblem, readOrders } from '../../../state/orders';
import { BatchCard } from './batch-card';
import { OrderCard } from './order-card';
import { useRetryKey } from './retry-key';
import './orders.css';

/** A card for each unfinished and each recent order, the newest first. */
export function Orders() {
  useEffect(() => void readOrders(), []);
  useRetryKey();
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

function Nothing({ isKnown }: { isKnown: boolean }) {
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
