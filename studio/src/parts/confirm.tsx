import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';

import { asProblem, type Problem } from '../api/problem';
import { Button } from './button';
import { Dialog } from './dialog';
import { ProblemNote } from './problem-note';

interface Props {
  title: string;
  /** The word of the button, such as "Revoke the key". */
  action: string;
  onConfirm: () => Promise<void>;
  onClose: () => void;
  /** What the action does, and whether it can be undone. */
  children: ComponentChildren;
  kind?: 'main' | 'danger';
}

/** Asks before an action. Stays open with the reason when the action fails. */
export function Confirm({ title, action, onConfirm, onClose, children, kind = 'danger' }: Props) {
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const confirm = async () => {
    setBusy(true);
    setProblem(null);
    try {
      await onConfirm();
      onClose();
    } catch (thrown) {
      setProblem(asProblem(thrown));
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={title}
      isOpen
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Leave it as it is</Button>
          <Button kind={kind} isBusy={isBusy} onClick={() => void confirm()}>
            {action}
          </Button>
        </>
      }
    >
      {children}
      {problem ? <ProblemNote problem={problem} /> : null}
    </Dialog>
  );
}
