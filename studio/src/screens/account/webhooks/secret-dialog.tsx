import { useEffect, useState } from 'preact/hooks';

import { get, post } from '../../../api/client';
import { asProblem, type Problem } from '../../../api/problem';
import type { Endpoint, EndpointSecret } from '../../../api/schemas';
import { Button } from '../../../parts/button';
import { Choice } from '../../../parts/choice';
import { Dialog } from '../../../parts/dialog';
import { ProblemNote } from '../../../parts/problem-note';
import { Secret } from '../../../parts/secret';
import { Time } from '../../../parts/time';
import { toast } from '../../../parts/toasts';

const GRACES = [
  { value: '86400', label: 'For a day' },
  { value: '604800', label: 'For a week' },
  { value: '0', label: 'No longer' },
] as const;

/** The secret that signs the messages of an endpoint, and its rotation. */
export function SecretDialog({ endpoint, onClose, onChanged }: { endpoint: Endpoint; onClose: () => void; onChanged: () => void }) {
  const path = `/v1/webhooks/endpoints/${endpoint.id}`;
  const [secret, setSecret] = useState<EndpointSecret | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [rotates, setRotates] = useState(false);
  const [grace, setGrace] = useState<string>('86400');
  const [isBusy, setBusy] = useState(false);

  const read = async () => {
    setProblem(null);
    try {
      setSecret(await get<EndpointSecret>(`${path}/secret`));
    } catch (thrown) {
      setProblem(asProblem(thrown));
    }
  };
  useEffect(() => void read(), []);
  const rotate = async () => {
    setBusy(true);
    setProblem(null);
    try {
      setSecret(await post<EndpointSecret>(`${path}/rotate-secret`, { ends_in: Number(grace) }));
      setRotates(false);
      toast('The endpoint has a new secret');
      onChanged();
    } catch (thrown) {
      setProblem(asProblem(thrown));
    }
    setBusy(false);
  };
  const atField = rotates ? problem?.field('ends_in') : null;
  return (
    <Dialog title="Secret of the endpoint" isOpen onClose={onClose}>
      <p class="address soft">{endpoint.url}</p>
      {secret ? <Secrets secret={secret} /> : problem ? null : <p class="soft">Reading the secret…</p>}
      {problem && !atField ? <ProblemNote problem={problem} {...(secret ? {} : { onRetry: () => void read() })} /> : null}
      {rotates ? (
        <div class="stacked tight">
          <Choice legend="The present secret signs, too" value={grace} options={GRACES} onChange={setGrace} error={atField} />
          <p class="hint">Put the new secret in place within this time. Each message has a signature by both secrets until then.</p>
          <div class="actions end">
            <Button onClick={() => setRotates(false)}>Leave it as it is</Button>
            <Button kind="main" isBusy={isBusy} onClick={() => void rotate()}>
              Make a new secret
            </Button>
          </div>
        </div>
      ) : (
        <div class="actions end">
          <Button icon="again" disabled={!secret} onClick={() => setRotates(true)}>
            Rotate…
          </Button>
          <Button kind="main" onClick={onClose}>
            Close
          </Button>
        </div>
      )}
    </Dialog>
  );
}

function Secrets({ secret }: { secret: EndpointSecret }) {
  return (
    <div class="stacked tight">
      <Secret name="Secret" secret={secret.secret} />
      {secret.earlier_secret && secret.earlier_secret_until ? (
        <>
          <p class="small">
            The earlier secret signs, too. Its end: <Time at={secret.earlier_secret_until} />.
          </p>
          <Secret name="Earlier secret" secret={secret.earlier_secret} />
        </>
      ) : null}
    </div>
  );
}
