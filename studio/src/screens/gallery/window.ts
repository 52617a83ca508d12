/** Where the grid stands in the window. */
import { useSignal, useSignalEffect } from '@preact/signals';
import { useLayoutEffect } from 'preact/hooks';

import { route } from '../../app/routes';
import { isFast } from './cell';
import { layoutFor, rowsAt, type Layout } from './layout';
import type { GalleryList } from './list';

/** The height of a card's text, in the size of the page's letters. */
const CAPTION = 4.5;
/** Cards that are read ahead of the window. */
const AHEAD = 150;
/** Pixels a millisecond from which pictures wait until the window is calm. */
const FAST = 6;
const CALM = 120;
/** The frame at the edges of the window covers cards. */
const COVERED = { top: 76, bottom: 90 };

/** The sizes of the grid; they change with the window and the size of the letters. */
export function useLayout(place: { current: HTMLElement | null }) {
  const layout = useSignal<Layout | null>(null);
  useLayoutEffect(() => {
    const grid = place.current;
    if (!grid) return;
    const measure = () => {
      const letters = parseFloat(getComputedStyle(document.documentElement).fontSize);
      const next = layoutFor({ width: grid.clientWidth, height: innerHeight, caption: Math.ceil(CAPTION * letters) });
      if (JSON.stringify(next) !== JSON.stringify(layout.value)) layout.value = next;
    };
    const observer = new ResizeObserver(measure);
    observer.observe(grid);
    addEventListener('resize', measure);
    measure();
    return () => {
      observer.disconnect();
      removeEventListener('resize', measure);
    };
  }, []);
  return layout;
}

/** Keeps the drawn rows at the window, reads ahead, and remembers the place. Returns a function that looks at once. */
export function useWindow(
  place: { current: HTMLElement | null },
  list: GalleryList,
  layout: { readonly value: Layout | null },
  rows: { readonly value: number },
  range: { value: readonly [number, number] },
): () => void {
  const look = () => {
    const [grid, sizes] = [place.current, layout.value];
    if (!grid || !sizes) return;
    const next = rowsAt(-grid.getBoundingClientRect().top, innerHeight, sizes.rowHeight, rows.value);
    if (next[0] !== range.value[0] || next[1] !== range.value[1]) range.value = next;
    if (list.entries.value.length - next[1] * sizes.columns < AHEAD) void list.more();
  };
  useSignalEffect(() => {
    // Each of these can change what is near the window, or what is missing.
    void [layout.value, rows.value, list.reading.value, list.entries.value];
    queueMicrotask(look);
  });
  useLayoutEffect(() => {
    let [last, since] = [scrollY, performance.now()];
    let calm: ReturnType<typeof setTimeout> | undefined;
    const scrolled = () => {
      // The next screen begins at its top, and this one may not have gone yet.
      if (route.value.path[0] !== 'gallery') return;
      const now = performance.now();
      if (Math.abs(scrollY - last) > FAST * Math.max(now - since, 8)) isFast.value = true;
      [last, since] = [scrollY, now];
      clearTimeout(calm);
      calm = setTimeout(() => (isFast.value = false), CALM);
      list.scrollY = scrollY;
      look();
    };
    addEventListener('scroll', scrolled, { passive: true });
    return () => {
      removeEventListener('scroll', scrolled);
      clearTimeout(calm);
      isFast.value = false;
    };
  }, [list]);
  return look;
}

/** Move the window so that a row of the grid is in view. */
export function show(grid: HTMLElement | null, top: number, rowHeight: number): void {
  if (!grid) return;
  const at = grid.getBoundingClientRect().top + top;
  const most = innerHeight - COVERED.bottom - rowHeight;
  if (at < COVERED.top) scrollBy(0, at - COVERED.top);
  else if (at > most) scrollBy(0, Math.min(at - COVERED.top, at - most));
}
