import type { ComponentType } from 'preact';

import { route } from '../../app/routes';
import { may, session } from '../../app/session';
import { Empty } from '../../parts/empty';
import { Icon, type IconName } from '../../parts/icon';
import { Keys } from './keys/keys';
import { Overview } from './overview';
import { Webhooks } from './webhooks/webhooks';
import './account.css';

interface Part {
  path: string;
  label: string;
  icon: IconName;
  View: ComponentType;
}

const PARTS: readonly Part[] = [
  { path: '', label: 'Overview', icon: 'coin', View: Overview },
  { path: 'keys', label: 'Keys', icon: 'key', View: Keys },
  { path: 'webhooks', label: 'Webhooks', icon: 'webhook', View: Webhooks },
];

/** The account: credits and use, keys, webhooks. */
export function Account() {
  const name = route.value.path[1] ?? '';
  const part = PARTS.find((each) => each.path === name) ?? PARTS[0];
  const whose = session.value?.viewing?.customer ?? session.value?.customer;
  return (
    <section class="screen account">
      <header class="account-top">
        <div>
          <h1>Account</h1>
          {whose ? <p class="soft clipped">{whose.name}</p> : null}
        </div>
        <nav class="account-parts" aria-label="Account">
          {PARTS.map(({ path, label, icon }) => (
            <a key={path} href={path ? `#/account/${path}` : '#/account'} aria-current={part?.path === path ? 'page' : undefined}>
              <Icon name={icon} />
              <span>{label}</span>
            </a>
          ))}
        </nav>
      </header>
      {whose ? part ? <part.View key={part.path} /> : null : <NoCustomer />}
    </section>
  );
}

function NoCustomer() {
  return (
    <div class="glass panel">
      <Empty icon="person">
        <p>The key of this session belongs to no customer, so there is no account to show.</p>
        {may('admin') ? (
          <p>
            <a href="#/support">View a customer</a> to see theirs.
          </p>
        ) : null}
      </Empty>
    </div>
  );
}
