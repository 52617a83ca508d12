import { useComputed, useSignal } from '@preact/signals';
import { useMemo, useRef } from 'preact/hooks';

import { Cell } from './cell';
import { press, useFocus, useReturn } from './focus';
import { Slots, type Layout } from './layout';
import type { GalleryList } from './list';
import { show, useLayout, useWindow } from './window';

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

  const sizes = layout.value;

  const goTo = (index: number) => {
    if (!sizes) return;
    list.active = active.value = index;
    hasFocus.value = true;
    show(place.current, Math.floor(index / sizes.columns) * sizes.rowHeight, sizes.rowHeight);
    look();
  };
  useReturn(place, list, sizes, hasFocus, look);
  useFocus(place, active, hasFocus);

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
      onKeyDown={(event) => sizes && press(event, list, active.value, sizes, goTo)}
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
