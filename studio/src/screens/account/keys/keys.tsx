import { useSignal } from '@preact/signals';

import type { Key } from '../../../api/schemas';
import { isReadOnly, may } from '../../../app/session';
import { Button } from '../../../parts/button';
import { Empty } from '../../../parts/empty';
import { ListEnd } from '../../../parts/list-end';
import { usePages } from '../../../state/pages';
import { KeyCard } from './key-card';
import { KeyDialogs, type KeyTask } from './key-dialogs';
import { stateOf } from './key-words';

/** The API keys of the customer. */
export function Keys() {
  if (!may('admin')) return <NoScope />;
  return <KeyList />;
}

function KeyList() {
  const pages = usePages<Key>('/v1/keys', { limit: 50 });
  const showsEnded = useSignal(false);
  const task = useSignal<KeyTask | null>(null);
  const keys = pages.items.value;
  const valid = keys.filter((key) => stateOf(key) === 'valid');
  const shown = showsEnded.value ? keys : valid;
  return (
    <section class="stacked" aria-labelledby="keys">
      <div class="panel-top">
        <h2 id="keys">API keys</h2>
        {isReadOnly.value ? null : (
          <Button kind="main" icon="plus" onClick={() => (task.value = { kind: 'new' })}>
            New key
          </Button>
        )}
      </div>
      <p class="soft">Each program gets a key of its own: then you see its last use, limit its credits, and revoke it alone.</p>
      <label class="tick">
        <input type="checkbox" checked={showsEnded.value} onChange={() => (showsEnded.value = !showsEnded.value)} />
        <span>Show keys that have ended</span>
      </label>
      {shown.length ? (
        <ul class="fact-cards">
          {shown.map((key) => (
            <KeyCard key={key.id} shown={key} onTask={(next) => (task.value = next)} />
          ))}
        </ul>
      ) : null}
      {shown.length === 0 && !pages.hasMore.value ? (
        <div class="glass panel">
          <Empty icon="key">{keys.length ? 'All keys have ended.' : 'There is no key yet.'} Make one for each program that orders.</Empty>
        </div>
      ) : null}
      <ListEnd pages={pages} />
      <KeyDialogs task={task.value} onClose={() => (task.value = null)} onChanged={() => void pages.again()} />
    </section>
  );
}

function NoScope() {
  return (
    <section class="glass panel" aria-labelledby="keys">
      <h2 id="keys">API keys</h2>
      <Empty icon="key">
        <p>
          The key of this session lacks the scope <code>admin</code>, which managing keys needs.
        </p>
        <p>Sign in with a key that has it, or ask the person who gave you this key.</p>
      </Empty>
    </section>
  );
}
