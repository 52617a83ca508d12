import { useState } from 'preact/hooks';

import { patch, post, remove } from '../../../api/client';
import type { Endpoint, NewEndpoint } from '../../../api/schemas';
import { Confirm } from '../../../parts/confirm';
import { SecretOnce } from '../../../parts/secret';
import { toast } from '../../../parts/toasts';
import type { EndpointTask } from './endpoint-card';
import { EndpointForm } from './endpoint-form';
import { SecretDialog } from './secret-dialog';

interface Props {
  task: EndpointTask | null;
  onClose: () => void;
  /** The list has to be read anew. */
  onChanged: () => void;
}

/** The dialog of a task. */
export function EndpointDialogs({ task, onClose, onChanged }: Props) {
  const [made, setMade] = useState<NewEndpoint | null>(null);
  if (made) {
    return (
      <SecretOnce title="The endpoint is made" name="Secret" secret={made.secret} onClose={() => setMade(null)}>
        This secret signs the messages to {made.url}. Give it to the receiver, which verifies each message with it. You find it again under
        “Secret”.
      </SecretOnce>
    );
  }
  if (!task) return null;
  if (task.kind === 'new') {
    const make = async (body: object) => {
      setMade(await post<NewEndpoint>('/v1/webhooks/endpoints', body));
      onChanged();
      onClose();
    };
    return <EndpointForm title="New endpoint" action="Make the endpoint" onSend={make} onClose={onClose} />;
  }
  const { endpoint } = task;
  const path = `/v1/webhooks/endpoints/${endpoint.id}`;
  if (task.kind === 'secret') return <SecretDialog endpoint={endpoint} onClose={onClose} onChanged={onChanged} />;
  if (task.kind === 'edit') {
    const change = async (body: object) => {
      await patch<Endpoint>(path, body);
      toast('The endpoint is changed');
      onChanged();
      onClose();
    };
    return <EndpointForm title="Edit the endpoint" action="Save" endpoint={endpoint} onSend={change} onClose={onClose} />;
  }
  const end = async () => {
    await remove(path);
    toast('The endpoint is deleted');
    onChanged();
  };
  return (
    <Confirm title="Delete the endpoint?" action="Delete the endpoint" onConfirm={end} onClose={onClose}>
      <p class="address">{endpoint.url}</p>
      <p>Messages that wait are not sent, and its deliveries are no longer shown. This cannot be undone.</p>
    </Confirm>
  );
}
