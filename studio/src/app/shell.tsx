import type { ComponentChildren } from 'preact';

import { Icon, type IconName } from '../parts/icon';
import { Button } from '../parts/button';
import { Balance } from './balance';
import { ConnectionNote } from './connection-note';
import { KeyboardHelp } from './keyboard-help';
import { route } from './routes';
import { actsFor, endView, maySupport, session, signOut } from './session';
import { ThemeChoice } from './theme-choice';

interface Place {
  path: string;
  label: string;
  icon: IconName;
}

function places(): Place[] {
  const list: Place[] = [
    { path: 'create', label: 'Create', icon: 'spark' },
    { path: 'gallery', label: 'Gallery', icon: 'grid' },
    { path: 'account', label: 'Account', icon: 'person' },
  ];
  if (maySupport.value) list.push({ path: 'support', label: 'Support', icon: 'lifebuoy' });
  return list;
}

/** The frame around every screen: the way to the screens, the balance, and whose page this is. */
export function Shell({ children }: { children: ComponentChildren }) {
  return (
    <>
      <a class="skip" href="#main" onClick={toMain}>
        Skip to the content
      </a>
      <header class="top glass">
        <a class="brand" href="#/create" aria-label="Reelworks Studio">
          <img src="./icon.svg" alt="" width="28" height="28" />
          <span>Reelworks Studio</span>
        </a>
        <Navigation />
        <div class="top-end">
          <Balance />
          <ThemeChoice />
          <KeyboardHelp />
          <Button kind="quiet" icon="exit" label="Sign out" onClick={() => void signOut()} />
        </div>
      </header>
      <ViewBanner />
      {/* The page of another customer is a new one: nothing stays, and nothing moves. */}
      <main id="main" tabIndex={-1} key={actsFor.value?.id}>
        {children}
      </main>
      <ConnectionNote />
    </>
  );
}

function Navigation() {
  const here = route.value.path[0] ?? 'create';
  return (
    <nav class="places" aria-label="Screens">
      {places().map(({ path, label, icon }) => (
        <a href={`#/${path}`} key={path} aria-current={here === path ? 'page' : undefined}>
          <Icon name={icon} />
          <span>{label}</span>
        </a>
      ))}
    </nav>
  );
}

function ViewBanner() {
  const viewing = session.value?.viewing;
  if (!viewing) return null;
  return (
    <div class="view-banner" role="status">
      <span>
        You view <strong>{viewing.customer.name}</strong>, read-only. Each view is on record.
      </span>
      <Button onClick={() => void endView()}>End the view</Button>
    </div>
  );
}

// A link to #main would change the route.
function toMain(event: Event): void {
  event.preventDefault();
  document.getElementById('main')?.focus();
}
