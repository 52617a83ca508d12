/** The lists that the page has read, so that a person who comes back finds the list and its place again. */
import { effect } from '@preact/signals';

import { session } from '../../app/session';
import { placeOf, type Filters } from './filters';
import { GalleryList } from './list';
import { selected } from './selection';

const MOST = 4;
const kept = new Map<string, GalleryList>();

/** The list with these filters: the kept one, or a new one. */
export function listFor(filters: Filters): GalleryList {
  const place = placeOf(filters);
  const list = kept.get(place) ?? new GalleryList(filters);
  // The newest is the last; the oldest is forgotten.
  kept.delete(place);
  kept.set(place, list);
  for (const old of [...kept.keys()].slice(0, -MOST)) kept.delete(old);
  return list;
}

// Another customer's page begins with nothing.
let whose: string | undefined;
effect(() => {
  const customer = session.value?.viewing?.customer.id ?? session.value?.customer?.id;
  if (customer === whose) return;
  whose = customer;
  kept.clear();
  selected.value = [];
});
