/** Which screen a route shows. */
import type { ComponentType } from 'preact';

import { Account } from '../screens/account/account';
import { Compare } from '../screens/compare/compare';
import { Create } from '../screens/create/create';
import { Details } from '../screens/details/details';
import { Gallery } from '../screens/gallery/gallery';
import { Support } from '../screens/support/support';
import type { Route } from './routes';

interface Screen {
  View: ComponentType;
  /** Another key mounts the screen anew. */
  key: string;
}

const SCREENS: Record<string, ComponentType> = {
  create: Create,
  gallery: Gallery,
  g: Details,
  compare: Compare,
  account: Account,
  support: Support,
};

export function screenOf({ path }: Route): Screen {
  const [name = 'create', id = ''] = path;
  const View = SCREENS[name] ?? Missing;
  return { View, key: name === 'g' ? `g/${id}` : name };
}

function Missing() {
  return (
    <section class="screen">
      <h1>There is no such place</h1>
      <p>
        <a href="#/create">Make something</a>, or look at <a href="#/gallery">your gallery</a>.
      </p>
    </section>
  );
}
