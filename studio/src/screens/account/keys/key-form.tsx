import { useState } from 'preact/hooks';

import { asProblem, type Problem } from '../../../api/problem';
import type { OnLimit, Scope } from '../../../api/schemas';
import { may, session } from '../../../app/session';
import { Button } from '../../../parts/button';
import { Choice } from '../../../parts/choice';
import { Dialog } from '../../../parts/dialog';
import { Field } from '../../../parts/field';
import { ProblemNote } from '../../../parts/problem-note';
import { ENDS, SCOPES, wrongIn, type Terms } from './key-words';

interface Props {
  title: string;
  action: string;
  begin: Terms;
  /** A new key also gets its scopes. */
  isNew?: boolean;
  onSend: (terms: Terms) => Promise<void>;
  onClose: () => void;
}

const FIELDS = ['name', 'scopes', 'daily_cap', 'expires_in', 'in_flight', 'per_day', 'test'] as const;

/** The terms of a key: scopes, cap, end and limits. */
export function KeyForm({ title, action, begin, isNew = false, onSend, onClose }: Props) {
  const [terms, setTerms] = useState(begin);
  const [isBusy, setBusy] = useState(false);
  const [hasTried, setTried] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const wrong: Record<string, string | undefined> = hasTried ? wrongIn(terms) : {};
  const error = (field: (typeof FIELDS)[number]) => wrong[field] ?? problem?.field(field);
  const set = (change: Partial<Terms>) => {
    setTerms({ ...terms, ...change });
    setProblem(null);
  };
  const send = async (event: Event) => {
    event.preventDefault();
    setTried(true);
    if (Object.keys(wrongIn(terms)).length) return;
    setBusy(true);
    try {
      await onSend(terms);
    } catch (thrown) {
      setProblem(asProblem(thrown));
      setBusy(false);
    }
  };
  const isAtAField = problem?.fields.some(({ field }) => (FIELDS as readonly string[]).includes(field)) ?? false;
  const ends = isNew ? ENDS : [{ value: 'keep', label: 'As it is' }, ...ENDS];
  return (
    <Dialog title={title} isOpen onClose={onClose}>
      <form class="stacked" onSubmit={(event) => void send(event)} noValidate>
        <Field label="Name" hint="The program or person that uses the key." error={error('name')}>
          {(ids) => (
            <input {...ids} class="input" data-first maxLength={100} value={terms.name} onInput={(event) => set({ name: event.currentTarget.value })} />
          )}
        </Field>
        {isNew ? <Scopes chosen={terms.scopes} error={error('scopes')} onChange={(scopes) => set({ scopes })} /> : null}
        <Field label="Daily cap" hint="Credits that the key may spend on one day in UTC. Empty: no cap." error={error('daily_cap')}>
          {(ids) => <NumberInput ids={ids} value={terms.dailyCap} onInput={(dailyCap) => set({ dailyCap })} />}
        </Field>
        <Choice legend="End" value={terms.end} options={ends} onChange={(end) => set({ end })} error={terms.end === 'day' ? null : error('expires_in')} />
        {terms.end === 'day' ? (
          <Field label="Last day" error={error('expires_in')}>
            {(ids) => <input {...ids} class="input" type="date" value={terms.endDay} onInput={(event) => set({ endDay: event.currentTarget.value })} />}
          </Field>
        ) : null}
        <details open={Boolean(error('in_flight') || error('per_day'))}>
          <summary>Further limits</summary>
          <div class="stacked tight">
            <Field label="Generations at the same time" hint="Empty: no limit." error={error('in_flight')}>
              {(ids) => <NumberInput ids={ids} value={terms.inFlight} onInput={(inFlight) => set({ inFlight })} />}
            </Field>
            <Field label="Generations a day" hint="Empty: no limit." error={error('per_day')}>
              {(ids) => <NumberInput ids={ids} value={terms.perDay} onInput={(perDay) => set({ perDay })} />}
            </Field>
            <Choice<OnLimit>
              legend="An order over a limit"
              value={terms.onLimit}
              options={[
                { value: 'reject', label: 'is refused' },
                { value: 'wait', label: 'waits in the queue' },
              ]}
              onChange={(onLimit) => set({ onLimit })}
            />
          </div>
        </details>
        {isNew && !session.value?.key.is_test ? (
          <label class="tick">
            <input type="checkbox" checked={terms.isTest} onChange={() => set({ isTest: !terms.isTest })} />
            <span>
              Test key <small class="soft">Its orders go to the sandbox and cost nothing.</small>
            </span>
          </label>
        ) : null}
        {problem && !isAtAField ? <ProblemNote problem={problem} /> : null}
        <footer class="actions end">
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="main" type="submit" isBusy={isBusy}>
            {action}
          </Button>
        </footer>
      </form>
    </Dialog>
  );
}

function NumberInput({ ids, value, onInput }: { ids: object; value: string; onInput: (text: string) => void }) {
  return <input {...ids} class="input" inputMode="numeric" value={value} onInput={(event) => onInput(event.currentTarget.value.trim())} />;
}

/** The scopes. A key makes no key that allows more than itself. */
function Scopes({ chosen, error, onChange }: { chosen: readonly Scope[]; error?: string | null | undefined; onChange: (scopes: Scope[]) => void }) {
  const offered = SCOPES.filter(({ scope }) => scope !== 'credits:grant' || may(scope));
  return (
    <fieldset class="tick-group" aria-describedby={error ? 'scopes-error' : undefined}>
      <legend>Scopes</legend>
      <div class="ticks">
        {offered.map(({ scope, label, allows }) => (
          <label class="tick" key={scope}>
            <input
              type="checkbox"
              checked={chosen.includes(scope)}
              disabled={!may(scope)}
              onChange={() => onChange(chosen.includes(scope) ? chosen.filter((each) => each !== scope) : [...chosen, scope])}
            />
            <span>
              {label} <small class="soft">{may(scope) ? allows : 'the key of this session lacks this scope, so it cannot give it'}</small>
            </span>
          </label>
        ))}
      </div>
      {error ? (
        <p class="field-error" id="scopes-error">
          {error}
        </p>
      ) : null}
    </fieldset>
  );
}
