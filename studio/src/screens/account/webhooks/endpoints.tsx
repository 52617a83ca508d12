import { useSignal } from '@preact/signals';

import { post } from '../../../api/client';
import { asProblem } from '../../../api/problem';
import type { DeliveryDetails, Endpoint } from '../../../api/schemas';
import { go, route, to } from '../../../app/routes';
import { isReadOnly, may } from '../../../app/session';
import { Button } from '../../../parts/button';
import { Choice } from '../../../parts/choice';
import { Empty } from '../../../parts/empty';
import { ListEnd } from '../../../parts/list-end';
import { toast } from '../../../parts/toasts';
import { usePages } from '../../../state/pages';
import { EndpointCard, type EndpointTask } from './endpoint-card';
import { EndpointDialogs } from './endpoint-dialogs';

const FILTERS = {
  all: { label: 'All', query: {}, none: 'There is no endpoint yet. An endpoint is a URL of yours that hears when a generation ends.' },
  own: { label: 'Made by you', query: { is_implicit: false }, none: 'You have made no endpoint yet.' },
  orders: { label: 'From orders', query: { is_implicit: true }, none: 'No order has named a callback URL.' },
  paused: { label: 'Paused', query: { is_paused: true }, none: 'No endpoint is paused.' },
} as const;

type Filter = keyof typeof FILTERS;

/** The endpoints of the customer. */
export function Endpoints() {
  const named = route.value.query.get('show') ?? '';
  const filter: Filter = named in FILTERS ? (named as Filter) : 'all';
  const pages = usePages<Endpoint>('/v1/webhooks/endpoints', { limit: 25, ...FILTERS[filter].query });
  const task = useSignal<EndpointTask | null>(null);
  const endpoints = pages.items.value;
  const mayChange = may('generate') && !isReadOnly.value;

  const keep = (endpoint: Endpoint) => pages.replace(endpoint, ({ id }) => id === endpoint.id);
  const act = async (action: 'pause' | 'resume' | 'test', endpoint: Endpoint) => {
    try {
      if (action === 'test') {
        const delivery = await post<DeliveryDetails>(`/v1/webhooks/endpoints/${endpoint.id}/test`);
        go(to(`account/webhooks/${endpoint.id}`, { delivery: delivery.id }));
      } else {
        keep(await post<Endpoint>(`/v1/webhooks/endpoints/${endpoint.id}/${action}`));
        toast(action === 'pause' ? 'Paused: messages wait' : 'Resumed: messages that waited are sent first');
      }
    } catch (thrown) {
      toast(asProblem(thrown).message, { kind: 'failed' });
    }
  };

  return (
    <section class="stacked" aria-labelledby="webhooks">
      <div class="panel-top">
        <h2 id="webhooks">Webhook endpoints</h2>
        {mayChange ? (
          <Button kind="main" icon="plus" onClick={() => (task.value = { kind: 'new' })}>
            New endpoint
          </Button>
        ) : null}
      </div>
      {may('generate') ? null : (
        <p class="soft">
          The key of this session lacks the scope <code>generate</code>: you see the endpoints, and cannot change them.
        </p>
      )}
      <Choice
        legend="Show"
        value={filter}
        options={(Object.keys(FILTERS) as Filter[]).map((value) => ({ value, label: FILTERS[value].label }))}
        onChange={(show) => go(to('account/webhooks', { show: show === 'all' ? null : show }), { replace: true })}
      />
      {endpoints.length ? (
        <ul class="fact-cards wide">
          {endpoints.map((endpoint) => (
            <EndpointCard
              key={endpoint.id}
              endpoint={endpoint}
              mayChange={mayChange}
              onTask={(next) => (task.value = next)}
              onAct={(action) => act(action, endpoint)}
            />
          ))}
        </ul>
      ) : null}
      {endpoints.length === 0 && !pages.hasMore.value ? (
        <div class="glass panel">
          <Empty icon="webhook">{FILTERS[filter].none}</Empty>
        </div>
      ) : null}
      <ListEnd pages={pages} />
      <EndpointDialogs task={task.value} onClose={() => (task.value = null)} onChanged={() => void pages.again()} />
    </section>
  );
}
