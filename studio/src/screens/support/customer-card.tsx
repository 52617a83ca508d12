import type { ManagedCustomer } from '../../api/schemas';
import { session } from '../../app/session';
import { Badge } from '../../parts/badge';
import { Button } from '../../parts/button';
import { Meter } from '../../parts/meter';
import { credits } from '../../parts/numbers';
import { Time } from '../../parts/time';

/** A customer: credits, limits, and the way to the view. */
export function CustomerCard({ customer, onView }: { customer: ManagedCustomer; onView: () => void }) {
  const isViewed = session.value?.viewing?.customer.id === customer.id;
  return (
    <li class="glass panel fact-card">
      <div class="panel-top">
        <h3 class="clipped">{customer.name}</h3>
        {isViewed ? <Badge kind="warn">in view</Badge> : null}
      </div>
      <dl class="pairs">
        <div>
          <dt>Available</dt>
          <dd class="amount">{credits(customer.credits.available)}</dd>
        </div>
        <div>
          <dt>Held</dt>
          <dd class="amount">{credits(customer.credits.held)}</dd>
        </div>
        <div>
          <dt>Customer since</dt>
          <dd>
            <Time at={customer.created_at} />
          </dd>
        </div>
        {customer.customer_id ? (
          <div>
            <dt>Number of the service</dt>
            <dd>
              <code>{customer.customer_id}</code>
            </dd>
          </div>
        ) : null}
      </dl>
      <p class="soft small">
        <code>{customer.id}</code>
      </p>
      <Limits of={customer} />
      <div class="actions">
        <Button icon="eye" label={`View ${customer.name}…`} disabled={isViewed} onClick={onView}>
          View…
        </Button>
      </div>
    </li>
  );
}

function Limits({ of: { limits } }: { of: ManagedCustomer }) {
  if (!limits) return <p class="soft small">No limits are set.</p>;
  const { used } = limits;
  return (
    <div class="stacked tight">
      {limits.in_flight !== null ? <Meter label="At the same time" used={used.in_flight} most={limits.in_flight} write={credits} /> : null}
      {limits.per_day !== null ? <Meter label="Generations today" used={used.today} most={limits.per_day} write={credits} /> : null}
      {limits.credits_per_day !== null ? <Meter label="Credits today" used={used.credits_today} most={limits.credits_per_day} write={credits} /> : null}
      <p class="soft small">
        Over a limit an order {limits.on_limit === 'wait' ? 'waits' : 'is refused'}.{limits.weight === 1 ? '' : ` Share: ${limits.weight}.`}
      </p>
    </div>
  );
}
