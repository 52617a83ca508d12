/** The focus in the grid: keys, the way back from another screen, and rows whose elements come and go. */
import type { Signal } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';

import { isReadOnly } from '../../app/session';
import { deleteWithUndo } from '../../state/deleting';
import { moved, type Layout } from './layout';
import type { GalleryList } from './list';
import { toggle } from './selection';

type Place = { readonly current: HTMLElement | null };

/** Do what a key means on a card. */
export function press(event: KeyboardEvent, list: GalleryList, active: number, sizes: Layout, goTo: (index: number) => void): void {
  if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  const isCard = event.target instanceof HTMLElement && event.target.dataset['index'] !== undefined;
  const entries = list.entries.value;
  const [first, second] = entries[active]?.generations ?? [];
  // A key changes a single generation, and no stack.
  const one = second ? undefined : first?.value.id;
  const page = Math.max(1, Math.floor(innerHeight / sizes.rowHeight) - 1);
  const next = moved(event.key, active, entries.length, sizes.columns, page);
  if (next !== null) goTo(next);
  else if (event.key === ' ' && isCard && one) toggle(one);
  else if (event.key === 'Delete' && one && !isReadOnly.value) deleteWithUndo(one);
  else return;
  event.preventDefault();
}

/** A person who comes back finds the place, and the card that they opened. `sizes`: the cards have their room now. */
export function useReturn(place: Place, list: GalleryList, sizes: Layout | null, hasFocus: Signal<boolean>, look: () => void): void {
  const isBack = useRef(false);
  useLayoutEffect(() => {
    if (!sizes || isBack.current) return;
    isBack.current = true;
    if (list.scrollY > 0 || (place.current?.getBoundingClientRect().top ?? 0) < 0) scrollTo(0, list.scrollY);
    if (list.isLeft && document.activeElement === document.body) hasFocus.value = true;
    list.isLeft = false;
    look();
  });
}

/** Give the focus to the active card when the card is drawn, or when its element has moved within the page. */
export function useFocus(place: Place, active: Signal<number>, hasFocus: Signal<boolean>): void {
  useLayoutEffect(() => {
    const box = place.current;
    if (!hasFocus.value || !box) return;
    if (document.activeElement !== document.body && !box.contains(document.activeElement)) return;
    const card = box.querySelector<HTMLElement>(`[data-index="${active.value}"]`);
    if (card && !card.parentElement?.contains(document.activeElement)) card.focus({ preventScroll: true });
  });
  useEffect(() => {
    // A press on the empty page takes the focus away without another element that gets the focus.
    const leave = ({ target }: PointerEvent) => {
      if (target instanceof Node && !place.current?.contains(target)) hasFocus.value = false;
    };
    addEventListener('pointerdown', leave);
    return () => removeEventListener('pointerdown', leave);
  }, []);
}
