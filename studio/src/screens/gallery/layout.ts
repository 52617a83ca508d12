/** The geometry of the grid: how many columns, which rows are near the window, where a key leads. */

/** The sizes of the grid, in pixels. */
export interface Layout {
  columns: number;
  /** The width of a card. */
  width: number;
  /** From the top of a row to the top of the next. */
  rowHeight: number;
  gap: number;
}

/** Most cards near the window: a card is five elements, and the page has at most 300. */
const MOST_CARDS = 30;
const LEAST_WIDTH = 220;
const LEAST_WIDTH_PHONE = 148;

/** The layout in a space: the most columns whose cards are neither too narrow nor too many. */
export function layoutFor(space: { width: number; height: number; caption: number }): Layout {
  const isPhone = space.width < 560;
  const gap = isPhone ? 10 : 16;
  const least = isPhone ? LEAST_WIDTH_PHONE : LEAST_WIDTH;
  const of = (columns: number): Layout => {
    const width = Math.max(1, Math.floor((space.width - gap * (columns - 1)) / columns));
    return { columns, width, rowHeight: width + space.caption + gap, gap };
  };
  let layout = of(Math.max(1, Math.floor((space.width + gap) / (least + gap))));
  while (layout.columns > 2 && rowsNear(layout.rowHeight, space.height) * layout.columns > MOST_CARDS) layout = of(layout.columns - 1);
  return layout;
}

/** The rows that a window of a height can touch, with one more on each side. */
function rowsNear(rowHeight: number, height: number): number {
  return Math.ceil(height / rowHeight) + 1 + 2 * BESIDE;
}

const BESIDE = 1;

/** The first row to draw and the row after the last, for the window at a distance from the grid's top. */
export function rowsAt(top: number, height: number, rowHeight: number, rows: number): [first: number, end: number] {
  const first = Math.max(0, Math.floor(top / rowHeight) - BESIDE);
  const end = Math.min(rows, Math.floor((top + height) / rowHeight) + 1 + BESIDE);
  return [Math.min(first, rows), Math.max(end, Math.min(first, rows))];
}

/** Where a key leads from a place. Null: the key is no way. */
export function moved(key: string, from: number, count: number, columns: number, page: number): number | null {
  const to = ways(key, from, count, columns, page);
  return to === null || count === 0 ? null : Math.min(Math.max(to, 0), count - 1);
}

function ways(key: string, from: number, count: number, columns: number, page: number): number | null {
  switch (key) {
    case 'ArrowRight':
      return from + 1;
    case 'ArrowLeft':
      return from - 1;
    case 'ArrowDown':
      // From above a shorter last row the way leads to its end.
      return Math.floor(from / columns) < Math.floor((count - 1) / columns) ? from + columns : from;
    case 'ArrowUp':
      return from < columns ? from : from - columns;
    case 'PageDown':
      return from + columns * page;
    case 'PageUp':
      return from - columns * page < 0 ? from % columns : from - columns * page;
    case 'Home':
      return 0;
    case 'End':
      return count - 1;
    default:
      return null;
  }
}

/** Keys of the drawn rows: a row that leaves gives its key, and so its elements, to a row that comes. */
export class Slots {
  private held = new Map<number, number>();

  /** The key of each row that is drawn now. */
  of(rows: readonly number[]): number[] {
    const free = [...this.held].filter(([row]) => !rows.includes(row)).map(([, slot]) => slot);
    const next = new Map<number, number>();
    for (const row of rows) {
      const slot = this.held.get(row);
      if (slot !== undefined) next.set(row, slot);
    }
    let made = this.held.size;
    for (const row of rows) if (!next.has(row)) next.set(row, free.pop() ?? made++);
    this.held = next;
    return rows.map((row) => next.get(row) ?? 0);
  }
}
