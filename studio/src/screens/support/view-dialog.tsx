import { useState } from 'preact/hooks';

import { asProblem, type Problem } from '../../api/problem';
import type { ManagedCustomer } from '../../api/schemas';
import { go } from '../../app/routes';
import { viewCustomer } from '../../app/session';
import { Button } from '../../parts/button';
import { Dialog } from '../../parts/dialog';
import { Field } from '../../parts/field';
import { ProblemNote } from '../../parts/problem-note';
import { nameFor } from './manager';

/** Asks for the reason, then begins the view. */
export function ViewDialog({ customer, onClose }: { customer: ManagedCustomer; onClose: () => void }) {
  const [reason, setReason] = useState('');
  const [hasTried, setTried] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const missing = hasTried && !reason.trim() ? 'Say why, such as “ticket 1234”.' : null;
  const send = async (event: Event) => {
    event.preventDefault();
    setTried(true);
    if (!reason.trim()) return;
    setBusy(true);
    setProblem(null);
    try {
      await viewCustomer(nameFor(customer), reason.trim());
      onClose();
      go('#/gallery');
    } catch (thrown) {
      setProblem(asProblem(thrown));
      setBusy(false);
    }
  };
  return (
    <Dialog title={`View ${customer.name}`} isOpen onClose={onClose}>
      <form class="stacked" onSubmit={(event) => void send(event)} noValidate>
        <p>
          The page then shows what this customer sees: generations, prompts, results and account. It changes nothing until you end the view.
        </p>
        <Field label="Reason" hint="Stays on record with your key, the time and what you look at." error={missing ?? problem?.field('reason')}>
          {(ids) => (
            <input {...ids} class="input" data-first maxLength={500} value={reason} onInput={(event) => setReason(event.currentTarget.value)} />
          )}
        </Field>
        {problem && !problem.field('reason') ? <ProblemNote problem={problem} /> : null}
        <footer class="actions end">
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="main" icon="eye" type="submit" isBusy={isBusy}>
            Begin the view
          </Button>
        </footer>
      </form>
    </Dialog>
  );
}
