import { useEffect } from 'preact/hooks';
import { useSignal } from '@preact/signals';

import { get } from '../../../api/client';
import { asProblem, type Problem } from '../../../api/problem';
import type { Delivery, Endpoint } from '../../../api/schemas';
import { go, route, to } from '../../../app/routes';
import { isReadOnly, may } from '../../../app/session';
import { Badge } from '../../../parts/badge';
import { Button } from '../../../parts/button';
import { Choice } from '../../../parts/choice';
import { Empty } from '../../../parts/empty';
import { Icon } from '../../../parts/icon';
import { ListEnd } from '../../../parts/list-end';
import { ProblemNote } from '../../../parts/problem-note';
import { Time } from '../../../parts/time';
import { usePages } from '../../../state/pages';
import { DeliveryDialog } from './delivery-dialog';
import { EndpointFacts } from './endpoint-card';
import { RedeliverDialog } from './redeliver-dialog';
import { deliveryState } from './words';

const STATES = ['all', 'pending', 'delivered', 'failed', 'dropped'] as const;
type State = (typeof STATES)[number];

/** The messages to an endpoint. The state of the list and the open message are in the address. */
export function Deliveries({ endpointId }: { endpointId: string }) {
  const { query } = route.value;
  const state: State = STATES.find((each) => each === query.get('state')) ?? 'all';
  const opened = query.get('delivery');
  const endpoint = useSignal<Endpoint | null>(null);
  const problem = useSignal<Problem | null>(null);
  const redelivers = useSignal(false);
  const pages = usePages<Delivery>('/v1/webhooks/deliveries', { endpoint_id: endpointId, state: state === 'all' ? null : state, limit: 25 });
  const place = (change: { state?: State; delivery?: string | null }) =>
    to(`account/webhooks/${endpointId}`, {
      state: (change.state ?? state) === 'all' ? null : (change.state ?? state),
      delivery: change.delivery === undefined ? opened : change.delivery,
    });
  const read = async () => {
    try {
      endpoint.value = await get<Endpoint>(`/v1/webhooks/endpoints/${encodeURIComponent(endpointId)}`);
      problem.value = null;
    } catch (thrown) {
      problem.value = asProblem(thrown);
    }
  };
  useEffect(() => void read(), [endpointId]);
  const mayChange = may('generate') && !isReadOnly.value;
  const deliveries = pages.items.value;
  return (
    <section class="stacked" aria-labelledby="deliveries">
      <p>
        <a class="back" href="#/account/webhooks">
          <Icon name="back" /> All endpoints
        </a>
      </p>
      <h2 id="deliveries">Deliveries</h2>
      {problem.value ? <ProblemNote problem={problem.value} onRetry={() => void read()} /> : null}
      {endpoint.value ? (
        <div class="glass panel fact-card">
          <EndpointFacts endpoint={endpoint.value} />
        </div>
      ) : null}
      <div class="choices">
        <Choice
          legend="State"
          value={state}
          options={STATES.map((value) => ({ value, label: value === 'all' ? 'All' : deliveryState({ state: value }).label }))}
          onChange={(next) => go(place({ state: next }), { replace: true })}
        />
        <div class="actions end">
          <Button icon="again" isBusy={pages.isReading.value} onClick={() => void pages.again()}>
            Read anew
          </Button>
          {mayChange && endpoint.value ? <Button onClick={() => (redelivers.value = true)}>Send again…</Button> : null}
        </div>
      </div>
      {deliveries.length ? (
        <ul class="line-list glass panel">
          {deliveries.map((delivery) => (
            <Row key={delivery.id} delivery={delivery} place={place({ delivery: delivery.id })} />
          ))}
        </ul>
      ) : null}
      {deliveries.length === 0 && !pages.hasMore.value ? (
        <div class="glass panel">
          <Empty icon="webhook">
            {state === 'all' ? 'Nothing was sent to this endpoint yet. A test shows whether it works.' : `No message is in the state “${state}”.`}
          </Empty>
        </div>
      ) : null}
      <ListEnd pages={pages} />
      {opened ? (
        <DeliveryDialog
          key={opened}
          id={opened}
          mayChange={mayChange}
          onClose={() => go(place({ delivery: null }), { replace: true })}
          onChanged={(delivery) => pages.replace(delivery, ({ id }) => id === delivery.id)}
        />
      ) : null}
      {redelivers.value ? (
        <RedeliverDialog endpointId={endpointId} onClose={() => (redelivers.value = false)} onSent={() => void pages.again()} />
      ) : null}
    </section>
  );
}

function Row({ delivery, place }: { delivery: Delivery; place: string }) {
  const state = deliveryState(delivery);
  return (
    <li class="line">
      <div>
        <p>
          <a href={place}>
            <code>{delivery.type}</code>
          </a>
        </p>
        <p class="soft small">
          <Time at={delivery.created_at} /> · {delivery.tries === 1 ? '1 attempt' : `${delivery.tries} attempts`}
          {delivery.next_at ? (
            <>
              {' '}
              · next <Time at={delivery.next_at} />
            </>
          ) : null}
        </p>
      </div>
      <Badge kind={state.kind} title={state.says}>
        {state.label}
      </Badge>
    </li>
  );
}
