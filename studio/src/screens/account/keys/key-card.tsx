import type { Key } from '../../../api/schemas';
import { isReadOnly, session } from '../../../app/session';
import { Badge } from '../../../parts/badge';
import { Button } from '../../../parts/button';
import { Meter } from '../../../parts/meter';
import { credits } from '../../../parts/numbers';
import { Time } from '../../../parts/time';
import type { KeyTask } from './key-dialogs';
import { nameOf, SCOPES, stateOf } from './key-words';

/** A key, with its use and what can be done. */
export function KeyCard({ shown: key, onTask }: { shown: Key; onTask: (task: KeyTask) => void }) {
  const state = stateOf(key);
  const name = nameOf(key);
  return (
    <li class="glass panel fact-card">
      <div class="panel-top">
        <h3 class="clipped">{name}</h3>
        <div class="state-badges">
          {key.id === session.value?.key.id ? <Badge title="You are signed in with this key">this session</Badge> : null}
          {key.test ? <Badge title="Its orders go to the sandbox and cost nothing">test</Badge> : null}
          <StateBadge of={key} />
        </div>
      </div>
      <p class="small">
        <code>{key.prefix}…</code> <span class="soft">·</span> {scopesOf(key)}
      </p>
      <dl class="pairs">
        <div>
          <dt>Last use</dt>
          <dd>{key.last_used_at ? <Time at={key.last_used_at} /> : 'never'}</dd>
        </div>
        <div>
          <dt>Made</dt>
          <dd>
            <Time at={key.created_at} />
          </dd>
        </div>
        {key.expires_at && state !== 'revoked' ? (
          <div>
            <dt>{state === 'ended' ? 'Ended' : 'Ends'}</dt>
            <dd>
              <Time at={key.expires_at} />
            </dd>
          </div>
        ) : null}
        {key.revoked_at ? (
          <div>
            <dt>Revoked</dt>
            <dd>
              <Time at={key.revoked_at} />
            </dd>
          </div>
        ) : null}
      </dl>
      {state === 'valid' ? <Use of={key} /> : null}
      {state === 'valid' && !isReadOnly.value ? (
        <div class="actions">
          <Button label={`Change the key ${name}`} onClick={() => onTask({ kind: 'change', key })}>
            Change
          </Button>
          {key.replaced_by ? null : (
            <Button icon="again" label={`Rotate the key ${name}`} onClick={() => onTask({ kind: 'rotate', key })}>
              Rotate
            </Button>
          )}
          <Button kind="danger" label={`Revoke the key ${name}`} onClick={() => onTask({ kind: 'revoke', key })}>
            Revoke
          </Button>
        </div>
      ) : null}
    </li>
  );
}

function StateBadge({ of: key }: { of: Key }) {
  const state = stateOf(key);
  if (state === 'revoked') return <Badge kind="bad">revoked</Badge>;
  if (state === 'ended') return <Badge kind="bad">ended</Badge>;
  return key.replaced_by ? (
    <Badge kind="warn" title="A rotation made a key in its place">
      replaced
    </Badge>
  ) : (
    <Badge kind="good">valid</Badge>
  );
}

/** How much of the key's limits is used. */
function Use({ of: key }: { of: Key }) {
  return (
    <>
      {key.daily_cap !== null ? (
        <Meter label="Credits today" used={key.spent_today ?? 0} most={key.daily_cap} write={credits} />
      ) : (
        <p class="soft small">No daily cap.</p>
      )}
      {key.in_flight !== null ? (
        <Meter label="At the same time" used={key.used?.in_flight ?? 0} most={key.in_flight} write={credits} />
      ) : null}
      {key.per_day !== null ? <Meter label="Generations today" used={key.used?.today ?? 0} most={key.per_day} write={credits} /> : null}
    </>
  );
}

function scopesOf({ scopes }: Key): string {
  return SCOPES.filter(({ scope }) => scopes.includes(scope))
    .map(({ label }) => label.toLowerCase())
    .join(', ');
}
