import { useState } from 'preact/hooks';

import type { Endpoint } from '../../../api/schemas';
import { to } from '../../../app/routes';
import { Badge } from '../../../parts/badge';
import { Button } from '../../../parts/button';
import { Icon } from '../../../parts/icon';
import { Time } from '../../../parts/time';
import { endpointState, typesInWords } from './words';

/** What a person does with an endpoint in a dialog. */
export type EndpointTask = { kind: 'new' } | { kind: 'edit' | 'secret' | 'delete'; endpoint: Endpoint };

export type EndpointAction = 'pause' | 'resume' | 'test';

interface Props {
  endpoint: Endpoint;
  mayChange: boolean;
  onTask: (task: EndpointTask) => void;
  onAct: (action: EndpointAction) => Promise<void>;
}

/** An endpoint, with its state and what can be done. */
export function EndpointCard({ endpoint, mayChange, onTask, onAct }: Props) {
  return (
    <li class="glass panel fact-card">
      <EndpointFacts endpoint={endpoint} />
      <div class="actions">
        <a class="button plain" href={to(`account/webhooks/${endpoint.id}`)}>
          <Icon name="stack" />
          <span>
            Deliveries<span class="visually-hidden"> to {endpoint.url}</span>
          </span>
        </a>
        {mayChange ? <Changes endpoint={endpoint} onTask={onTask} onAct={onAct} /> : null}
      </div>
    </li>
  );
}

/** The facts of an endpoint. */
export function EndpointFacts({ endpoint }: { endpoint: Endpoint }) {
  const state = endpointState(endpoint);
  return (
    <>
      <div class="panel-top">
        <h3 class="address">{endpoint.url}</h3>
        <div class="state-badges">
          {endpoint.is_implicit ? <Badge title="An order named this URL as its callback_url">from orders</Badge> : null}
          <Badge kind={state.kind}>{state.label}</Badge>
        </div>
      </div>
      {endpoint.description ? <p>{endpoint.description}</p> : null}
      <p class="soft small">
        {endpoint.is_implicit ? 'Hears the ends of the generations that name it.' : `Hears: ${typesInWords(endpoint.types)}.`} Made{' '}
        <Time at={endpoint.created_at} />.
      </p>
      {state.kind === 'good' ? null : (
        <p class={`small ${state.kind}`}>
          {state.says}{' '}
          {endpoint.paused_at || endpoint.failing_since ? (
            <span class="soft">
              Since <Time at={endpoint.paused_at ?? endpoint.failing_since ?? ''} />.
            </span>
          ) : null}
        </p>
      )}
    </>
  );
}

function Changes({ endpoint, onTask, onAct }: Omit<Props, 'mayChange'>) {
  const [busy, setBusy] = useState<EndpointAction | null>(null);
  const act = async (action: EndpointAction) => {
    setBusy(action);
    await onAct(action);
    setBusy(null);
  };
  const named = (words: string) => `${words} ${endpoint.url}`;
  return (
    <>
      <Button icon="arrow" label={named('Test')} isBusy={busy === 'test'} disabled={Boolean(endpoint.paused_at)} onClick={() => void act('test')}>
        Test
      </Button>
      {endpoint.paused_at ? (
        <Button icon="play" label={named('Resume')} isBusy={busy === 'resume'} onClick={() => void act('resume')}>
          Resume
        </Button>
      ) : (
        <Button icon="pause" label={named('Pause')} isBusy={busy === 'pause'} onClick={() => void act('pause')}>
          Pause
        </Button>
      )}
      <Button label={named('Edit')} onClick={() => onTask({ kind: 'edit', endpoint })}>
        Edit
      </Button>
      <Button icon="key" label={named('Secret of')} onClick={() => onTask({ kind: 'secret', endpoint })}>
        Secret
      </Button>
      <Button kind="danger" label={named('Delete')} onClick={() => onTask({ kind: 'delete', endpoint })}>
        Delete
      </Button>
    </>
  );
}
