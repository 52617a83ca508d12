import { useEffect, useState } from 'preact/hooks';

import { get } from '../../api/client';
import { asProblem, type Problem } from '../../api/problem';
import type { OperatorsEntry, OperatorsTimeline } from '../../api/schemas';
import { to } from '../../app/routes';
import { session } from '../../app/session';
import { Badge } from '../../parts/badge';
import { Choice } from '../../parts/choice';
import { CopyButton } from '../../parts/copy';
import { Icon } from '../../parts/icon';
import { seconds } from '../../parts/numbers';
import { ProblemNote } from '../../parts/problem-note';
import { Time } from '../../parts/time';
import { factsOf, isTrouble, titleOf } from './timeline-words';

/** What happened to a generation of the customer in view, with workers, calls and callbacks. Only the operator sees this. */
export function Timeline({ id, isOperator }: { id: string; isOperator: boolean }) {
  const [found, setFound] = useState<OperatorsTimeline | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const read = () =>
    get<OperatorsTimeline>(`/v1/admin/generations/${encodeURIComponent(id)}/timeline`)
      .then((answer) => {
        setFound(answer);
        setProblem(null);
      })
      .catch((thrown: unknown) => setProblem(asProblem(thrown)));
  const isShown = isOperator && Boolean(session.value?.viewing);
  useEffect(() => {
    if (isShown) void read();
  }, [id, isShown]);
  return (
    <section class="stacked" aria-labelledby="timeline">
      <p>
        <a class="back" href="#/support">
          <Icon name="back" /> Support
        </a>
      </p>
      <div class="panel-top">
        <h2 id="timeline">
          What happened to <code>{id.slice(0, 8)}</code>
        </h2>
        <CopyButton text={`reelworks inspect ${id}`} name="Command">
          Copy command
        </CopyButton>
      </div>
      {problem ? <ProblemNote problem={problem} onRetry={() => void read()} /> : null}
      {found ? (
        <>
          <Facts of={found} />
          <Entries entries={found.entries} />
        </>
      ) : problem ? null : (
        <p class="soft">{isShown ? 'Reading…' : isOperator ? 'View the customer of this generation first.' : 'The operator’s key shows this.'}</p>
      )}
    </section>
  );
}

function Facts({ of: found }: { of: OperatorsTimeline }) {
  const inView = session.value?.viewing?.customer.id === found.customer_id;
  const pairs: [string, string | null][] = [
    ['Model', found.model],
    ['Provider', found.provider],
    ['Their id', found.remote_id],
    ['Credits', String(found.credits)],
    ['Claims', String(found.attempt)],
    ['Failures in a row', found.failures ? String(found.failures) : null],
    ['Took', seconds(found.seconds)],
    ['Trace', found.trace_id],
  ];
  return (
    <div class="glass panel stacked tight">
      <p class="state-badges">
        <Badge kind={found.status === 'failed' ? 'bad' : found.status === 'completed' ? 'good' : 'warn'}>{found.stage}</Badge>
        {found.claim ? <Badge>claimed by {found.claim.worker}</Badge> : null}
        {found.waits ? <Badge kind="warn">{found.waits.held_by ? `held by ${found.waits.held_by}` : `waits for ${found.waits.provider}`}</Badge> : null}
        {found.deleted_at ? <Badge>deleted by the customer</Badge> : null}
      </p>
      {found.error_code ? (
        <p class="bad">
          <code>{found.error_code}</code> {found.error_message}
        </p>
      ) : null}
      <dl class="timeline-facts">
        {pairs.map(([name, value]) =>
          value === null ? null : (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ),
        )}
        <div>
          <dt>Ordered</dt>
          <dd>
            <Time at={found.created_at} />
          </dd>
        </div>
        {found.wake_at ? (
          <div>
            <dt>Next look</dt>
            <dd>
              <Time at={found.wake_at} />
            </dd>
          </div>
        ) : null}
        <div>
          <dt>Customer</dt>
          <dd>
            <a href={to('support', { q: found.customer_id })}>
              <code>{found.customer_id.slice(0, 8)}</code>
            </a>
          </dd>
        </div>
      </dl>
      {inView ? (
        <p>
          <a href={to(`g/${found.generation_id}`)}>See it as the customer does</a>
        </p>
      ) : null}
    </div>
  );
}

function Entries({ entries }: { entries: readonly OperatorsEntry[] }) {
  const [which, setWhich] = useState<'all' | 'trouble'>('all');
  const shown = which === 'all' ? entries : entries.filter(isTrouble);
  return (
    <div class="stacked">
      <Choice
        legend="Show"
        value={which}
        options={[
          { value: 'all', label: 'All entries' },
          { value: 'trouble', label: 'Only trouble' },
        ]}
        onChange={setWhich}
      />
      {shown.length === 0 ? <p class="soft">No entry tells of trouble.</p> : null}
      <ol class="op-timeline">
        {shown.map((entry, index) => (
          <Entry key={`${entry.at} ${entry.name} ${index}`} entry={entry} />
        ))}
      </ol>
    </div>
  );
}

function Entry({ entry }: { entry: OperatorsEntry }) {
  const facts = factsOf(entry);
  const by = [entry.worker, entry.attempt === null || entry.attempt === undefined ? null : `claim ${entry.attempt}`, entry.found_by ? `found by ${entry.found_by}` : null];
  return (
    <li class={isTrouble(entry) ? 'trouble' : undefined}>
      <p>
        <span class="amount soft">{written(entry.seconds)}</span> <strong>{titleOf(entry)}</strong>{' '}
        {entry.gap_seconds >= 1 ? <span class="soft small">{written(entry.gap_seconds)} later</span> : null}
      </p>
      {facts ? <p class="small facts-line">{facts}</p> : null}
      {by.some(Boolean) ? <p class="soft small">{by.filter(Boolean).join(' · ')}</p> : null}
      {entry.quiet_claims ? <p class="soft small">{entry.quiet_claims} reads of unfinished work before</p> : null}
      {entry.calls.map((call) => (
        <p class={`small call ${call.failure || (call.status ?? 0) >= 400 ? 'bad' : 'soft'}`} key={`${call.at} ${call.operation}`}>
          {call.operation}: {call.failure ?? `status ${call.status}`} in {Math.round(call.seconds * 1000)} ms
        </p>
      ))}
    </li>
  );
}

function written(span: number): string {
  return span < 60 ? `${span.toFixed(1)} s` : seconds(span);
}
