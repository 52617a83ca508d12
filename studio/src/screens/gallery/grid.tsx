import { useComputed, useSignal, useSignalEffect } from '@preact/signals';
import { useLayoutEffect, useMemo, useRef } from 'preact/hooks';

import { isReadOnly } from '../../app/session';
import { deleteWithUndo } from '../../state/deleting';
import { Cell, isFast } from './cell';
import { layoutFor, moved, rowsAt, Slots, type Layout } from './layout';
import type { GalleryList } from './list';
import { toggle } from './selection';

/** The height of a card's text, in the size of the page's letters. */
const CAPTION = 4.5;
/** Cards that are read ahead of the window. */
const AHEAD = 150;
/** Pixels a millisecond from which pictures wait until the window is calm. */
const FAST = 6;
const CALM = 120;
/** The frame at the edges of the window covers cards. */
const COVERED = { top: 76, bottom: 90 };

/** The cards: only those near the window are in the page, and the others keep their room. */
export function Grid({ list }: { list: GalleryList }) {
  const place = useRef<HTMLDivElement>(null);
  const slots = useMemo(() => new Slots(), [list]);
  const layout = useLayout(place);
  const range = useSignal<readonly [number, number]>([0, 0]);
  const active = useSignal(list.active);
  const hasFocus = useSignal(false);
  const rows = useComputed(() => Math.ceil(list.entries.value.length / (layout.value?.columns ?? 1)));
  const look = useWindow(place, list, layout, rows, range);

  const goTo = (index: number) => {
    const { columns, rowHeight } = layout.value ?? { columns: 1, rowHeight: 1 };
    list.active = active.value = index;
    hasFocus.value = true;
    show(place.current, Math.floor(index / columns) * rowHeight, rowHeight);
    look();
  };

  // A person who comes back finds the place, and the card that they opened.
  const isBack = useRef(false);
  useLayoutEffect(() => {
    if (!layout.value || isBack.current) return;
    isBack.current = true;
    if (list.scrollY > 0 || (place.current?.getBoundingClientRect().top ?? 0) < 0) scrollTo(0, list.scrollY);
    if (list.isLeft && document.activeElement === document.body) hasFocus.value = true;
    list.isLeft = false;
    look();
  });

  // The card of the focus may be drawn only now, or its element may have moved within the page.
  useLayoutEffect(() => {
    const box = place.current;
    if (!hasFocus.value || !box) return;
    if (document.activeElement !== document.body && !box.contains(document.activeElement)) return;
    const card = box.querySelector<HTMLElement>(`[data-index="${active.value}"]`);
    if (card && !card.parentElement?.contains(document.activeElement)) card.focus({ preventScroll: true });
  });

  const keys = (event: KeyboardEvent) => {
    const sizes = layout.value;
    if (!sizes || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const isCard = event.target instanceof HTMLElement && event.target.dataset['index'] !== undefined;
    const entries = list.entries.value;
    const one = entries[active.value]?.generations.length === 1 ? entries[active.value]?.generations[0]?.value.id : undefined;
    const page = Math.max(1, Math.floor(innerHeight / sizes.rowHeight) - 1);
    const next = moved(event.key, active.value, entries.length, sizes.columns, page);
    if (next !== null) goTo(next);
    else if (event.key === ' ' && isCard && one) toggle(one);
    else if (event.key === 'Delete' && one && !isReadOnly.value) deleteWithUndo(one);
    else return;
    event.preventDefault();
  };

  const sizes = layout.value;
  const entries = list.entries.value;
  const columns = sizes?.columns ?? 1;
  const activeRow = Math.floor(Math.min(active.value, Math.max(0, entries.length - 1)) / columns);
  const drawn = drawnRows(range.value, hasFocus.value && entries.length > 0 ? activeRow : null);
  const tabbable = drawn.includes(activeRow) ? active.value : range.value[0] * columns;
  const slotOf = slots.of(drawn);
  return (
    <div
      ref={place}
      class="gallery-grid"
      role="grid"
      aria-label="Generations"
      aria-multiselectable="true"
      aria-rowcount={list.reading.value === 'end' ? rows.value : -1}
      aria-colcount={columns}
      style={styleOf(sizes, rows.value)}
      onKeyDown={keys}
      onFocusIn={(event) => {
        const index = indexOf(event.target);
        if (index !== null) list.active = active.value = index;
        hasFocus.value = true;
      }}
      onFocusOut={(event) => {
        if (event.relatedTarget instanceof Node && !place.current?.contains(event.relatedTarget)) hasFocus.value = false;
      }}
    >
      {sizes
        ? drawn.map((row, at) => (
            <div role="row" class="gallery-row" key={slotOf[at]} aria-rowindex={row + 1} style={{ '--top': `${row * sizes.rowHeight}px` }}>
              {entries.slice(row * columns, (row + 1) * columns).map((entry, column) => {
                const index = row * columns + column;
                return <Cell key={column} list={list} entry={entry} index={index} column={column} isTabbable={index === tabbable} />;
              })}
            </div>
          ))
        : null}
    </div>
  );
}

function styleOf(sizes: Layout | null, rows: number): Record<string, string> {
  if (!sizes) return {};
  const { columns, width, rowHeight, gap } = sizes;
  return {
    '--columns': String(columns),
    '--width': `${width}px`,
    '--gap': `${gap}px`,
    '--row-height': `${rowHeight - gap}px`,
    '--height': `${Math.max(0, rows * rowHeight - gap)}px`,
  };
}

/** The rows near the window, and the row of the focus, wherever it is. */
function drawnRows([first, end]: readonly [number, number], pinned: number | null): number[] {
  const near = Array.from({ length: end - first }, (_, at) => first + at);
  if (pinned === null || (pinned >= first && pinned < end)) return near;
  return pinned < first ? [pinned, ...near] : [...near, pinned];
}

function indexOf(target: EventTarget | null): number | null {
  const cell = target instanceof Element ? target.closest('.gallery-cell') : null;
  const index = cell?.querySelector<HTMLElement>('[data-index]')?.dataset['index'];
  return index === undefined ? null : Number(index);
}

/** Move the window so that a row of the grid is in view. */
function show(grid: HTMLElement | null, top: number, rowHeight: number): void {
  if (!grid) return;
  const at = grid.getBoundingClientRect().top + top;
  const most = innerHeight - COVERED.bottom - rowHeight;
  if (at < COVERED.top) scrollBy(0, at - COVERED.top);
  else if (at > most) scrollBy(0, Math.min(at - COVERED.top, at - most));
}

/** The sizes of the grid; they change with the window and the size of the letters. */
function useLayout(place: { current: HTMLElement | null }) {
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
function useWindow(
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
