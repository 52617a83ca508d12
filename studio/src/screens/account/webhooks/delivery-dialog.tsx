import { useEffect, useState } from 'preact/hooks';

import { get, post } from '../../../api/client';
import { asProblem, type Problem } from '../../../api/problem';
import type { Attempt, DeliveryDetails } from '../../../api/schemas';
import { to } from '../../../app/routes';
import { Badge } from '../../../parts/badge';
import { announce } from '../../../parts/announce';
import { Button } from '../../../parts/button';
import { CopyButton } from '../../../parts/copy';
import { Dialog } from '../../../parts/dialog';
import { seconds } from '../../../parts/numbers';
import { ProblemNote } from '../../../parts/problem-note';
import { Time } from '../../../parts/time';
import { deliveryState } from './words';

// Seconds between two looks: while the first attempt is due, and while a later one is.
const FIRST = 1;
const LATER = 10;

interface Props {
  id: string;
  mayChange: boolean;
  onClose: () => void;
  onChanged: (delivery: DeliveryDetails) => void;
}

/** A message: its state, its attempts with the reasons, its body. Looks again while an attempt follows. */
export function DeliveryDialog({ id, mayChange, onClose, onChanged }: Props) {
  const [delivery, setDelivery] = useState<DeliveryDetails | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isBusy, setBusy] = useState(false);
  const take = (next: DeliveryDetails) => {
    setDelivery((earlier) => {
      if (earlier && earlier.state !== next.state) announce(`The message is ${next.state}`);
      return next;
    });
    setProblem(null);
    onChanged(next);
  };
  const read = () =>
    get<DeliveryDetails>(`/v1/webhooks/deliveries/${encodeURIComponent(id)}`)
      .then(take)
      .catch((thrown: unknown) => setProblem(asProblem(thrown)));
  useEffect(() => void read(), []);
  const pause = delivery?.state !== 'pending' ? null : delivery.tries <= 1 ? FIRST : LATER;
  useEffect(() => {
    if (pause === null) return;
    const timer = setInterval(() => void read(), pause * 1000);
    return () => clearInterval(timer);
  }, [pause]);
  const redeliver = async () => {
    setBusy(true);
    try {
      take(await post<DeliveryDetails>(`/v1/webhooks/deliveries/${id}/redeliver`));
    } catch (thrown) {
      setProblem(asProblem(thrown));
    }
    setBusy(false);
  };
  return (
    <Dialog
      title="Message"
      isOpen
      onClose={onClose}
      size="wide"
      actions={
        mayChange && delivery && delivery.state !== 'pending' ? (
          <Button icon="again" isBusy={isBusy} onClick={() => void redeliver()}>
            Send it again
          </Button>
        ) : null
      }
    >
      {problem ? <ProblemNote problem={problem} {...(delivery ? {} : { onRetry: () => void read() })} /> : null}
      {delivery ? <Message delivery={delivery} /> : problem ? null : <p class="soft">Reading the message…</p>}
    </Dialog>
  );
}

function Message({ delivery }: { delivery: DeliveryDetails }) {
  const state = deliveryState(delivery);
  return (
    <div class="stacked">
      <p>
        <code>{delivery.type}</code> <Badge kind={state.kind}>{state.label}</Badge>
      </p>
      <p class="soft">
        {state.says}
        {delivery.next_at ? (
          <>
            {' '}
            Next attempt <Time at={delivery.next_at} />.
          </>
        ) : null}
      </p>
      <dl class="pairs">
        <div>
          <dt>
            <code>webhook-id</code>
          </dt>
          <dd>
            <code>{delivery.id}</code>
          </dd>
        </div>
        <div>
          <dt>Event</dt>
          <dd>
            <Time at={delivery.created_at} />
          </dd>
        </div>
        {delivery.generation_id ? (
          <div>
            <dt>Generation</dt>
            <dd>
              <a href={to(`g/${delivery.generation_id}`)}>{delivery.generation_id.slice(0, 8)}</a>
            </dd>
          </div>
        ) : null}
      </dl>
      <section class="stacked tight" aria-labelledby="attempts">
        <h3 id="attempts">Attempts</h3>
        {delivery.attempts.length ? (
          <ol class="attempts">
            {delivery.attempts.map((attempt) => (
              <AttemptItem key={attempt.number} attempt={attempt} />
            ))}
          </ol>
        ) : (
          <p class="soft">No attempt yet.</p>
        )}
      </section>
      <Body text={delivery.body} />
    </div>
  );
}

function AttemptItem({ attempt }: { attempt: Attempt }) {
  return (
    <li>
      <p>
        <strong>{attempt.number}.</strong>{' '}
        <Badge kind={attempt.error === null ? 'good' : 'bad'}>{attempt.status === null ? 'no answer' : `status ${attempt.status}`}</Badge>{' '}
        <Time at={attempt.began_at} /> <span class="soft small">took {attempt.seconds < 1 ? `${Math.round(attempt.seconds * 1000)} ms` : seconds(attempt.seconds)}</span>
      </p>
      {attempt.error && attempt.error !== `status ${attempt.status}` ? <p class="bad small">{attempt.error}</p> : null}
      {attempt.answer ? (
        <details>
          <summary>The receiver’s answer</summary>
          <pre class="code-block">{attempt.answer}</pre>
        </details>
      ) : null}
    </li>
  );
}

function Body({ text }: { text: string | null }) {
  if (text === null) return <p class="soft">The body is no longer known: its event is gone.</p>;
  return (
    <section class="stacked tight" aria-labelledby="body">
      <div class="panel-top">
        <h3 id="body">Body</h3>
        <CopyButton text={text} name="Body">
          Copy
        </CopyButton>
      </div>
      <pre class="code-block" tabIndex={0} aria-labelledby="body">
        {indented(text)}
      </pre>
    </section>
  );
}

function indented(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
