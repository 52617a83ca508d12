import { useState } from 'preact/hooks';

import { patch, post, remove } from '../../../api/client';
import { asProblem, type Problem } from '../../../api/problem';
import type { Key, NewKey } from '../../../api/schemas';
import { session } from '../../../app/session';
import { Button } from '../../../parts/button';
import { Choice } from '../../../parts/choice';
import { Confirm } from '../../../parts/confirm';
import { Dialog } from '../../../parts/dialog';
import { ProblemNote } from '../../../parts/problem-note';
import { SecretOnce } from '../../../parts/secret';
import { Time } from '../../../parts/time';
import { toast } from '../../../parts/toasts';
import { KeyForm } from './key-form';
import { changeOf, DAY, nameOf, NEW_TERMS, requestOf, termsOf, type Terms } from './key-words';

/** What a person does with a key. */
export type KeyTask = { kind: 'new' } | { kind: 'change' | 'rotate' | 'revoke'; key: Key };

interface Props {
  task: KeyTask | null;
  onClose: () => void;
  /** The list has to be read anew. */
  onChanged: () => void;
}

/** The dialog of a task. */
export function KeyDialogs({ task, onClose, onChanged }: Props) {
  const [made, setMade] = useState<NewKey | null>(null);
  const showSecret = (key: NewKey) => {
    setMade(key);
    onChanged();
    onClose();
  };
  if (made) {
    return (
      <SecretOnce title="The new key" name="Key" secret={made.key} onClose={() => setMade(null)}>
        This is the key {made.name ? <strong>{made.name}</strong> : null}. It is shown once: copy it now to a safe place.
        {made.expires_at ? (
          <>
            {' '}
            It ends <Time at={made.expires_at} />.
          </>
        ) : null}
      </SecretOnce>
    );
  }
  if (!task) return null;
  if (task.kind === 'new') {
    return <NewKeyDialog onClose={onClose} onMade={showSecret} />;
  }
  const { key } = task;
  if (task.kind === 'change') return <ChangeDialog of={key} onClose={onClose} onChanged={onChanged} />;
  if (task.kind === 'rotate') return <RotateDialog of={key} onClose={onClose} onMade={showSecret} />;
  const revoke = async () => {
    await remove(`/v1/keys/${key.id}`);
    toast(`The key ${nameOf(key)} is revoked`);
    onChanged();
  };
  return (
    <Confirm title={`Revoke ${nameOf(key)}?`} action="Revoke the key" onConfirm={revoke} onClose={onClose}>
      <p>Requests with this key fail from now on. A revoked key cannot come back. Its generations go on.</p>
      <OwnKey of={key} then="This session ends with the key." />
    </Confirm>
  );
}

function OwnKey({ of: key, then }: { of: Key; then: string }) {
  return key.id === session.value?.key.id ? (
    <p>
      <strong>You are signed in with this key.</strong> {then}
    </p>
  ) : null;
}

function NewKeyDialog({ onClose, onMade }: { onClose: () => void; onMade: (key: NewKey) => void }) {
  const isTest = session.value?.key.is_test ?? false;
  const make = async (terms: Terms) => onMade(await post<NewKey>('/v1/keys', requestOf(terms)));
  return <KeyForm title="New key" action="Make the key" begin={{ ...NEW_TERMS, isTest }} isNew onSend={make} onClose={onClose} />;
}

function ChangeDialog({ of: key, onClose, onChanged }: { of: Key; onClose: () => void; onChanged: () => void }) {
  const change = async (terms: Terms) => {
    const wanted = changeOf(key, terms);
    if (Object.keys(wanted).length) {
      await patch<Key>(`/v1/keys/${key.id}`, wanted);
      toast(`The key ${nameOf(key)} is changed`);
      onChanged();
    }
    onClose();
  };
  return <KeyForm title={`Change ${nameOf(key)}`} action="Save" begin={termsOf(key)} onSend={change} onClose={onClose} />;
}

const GRACES = [
  { value: '0', label: 'Now' },
  { value: '3600', label: 'In an hour' },
  { value: String(DAY), label: 'In a day' },
  { value: String(7 * DAY), label: 'In a week' },
] as const;

function RotateDialog({ of: key, onClose, onMade }: { of: Key; onClose: () => void; onMade: (key: NewKey) => void }) {
  const [grace, setGrace] = useState<string>(String(DAY));
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const rotate = async () => {
    setBusy(true);
    try {
      onMade(await post<NewKey>(`/v1/keys/${key.id}/rotate`, { ends_in: Number(grace) }));
    } catch (thrown) {
      setProblem(asProblem(thrown));
      setBusy(false);
    }
  };
  const fieldProblem = problem?.field('ends_in');
  return (
    <Dialog
      title={`Rotate ${nameOf(key)}`}
      isOpen
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Leave it as it is</Button>
          <Button kind="main" isBusy={isBusy} onClick={() => void rotate()}>
            Rotate the key
          </Button>
        </>
      }
    >
      <p>A new key with the same scopes and limits takes the place of this one. Until this one ends, both work.</p>
      <Choice legend="The present key ends" value={grace} options={GRACES} onChange={setGrace} error={fieldProblem} />
      <OwnKey of={key} then="This session ends with the present key: sign in with the new one." />
      {problem && !fieldProblem ? <ProblemNote problem={problem} /> : null}
    </Dialog>
  );
}
