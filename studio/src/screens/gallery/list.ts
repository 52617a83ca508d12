/** The generations that meet the filters, newest first, read page by page. */
import { computed, signal, type Signal } from '@preact/signals';

import { get } from '../../api/client';
import { asProblem, type Problem } from '../../api/problem';
import type { Generation, Page } from '../../api/schemas';
import { deleting } from '../../state/deleting';
import { keep } from '../../state/generations';
import { neighbours } from '../../state/neighbours';
import { queryOf, type Filters } from './filters';

/** One place of the grid: a generation, or a batch as a stack. */
export interface Entry {
  /** The generations, the newest first. A stack has several. */
  generations: readonly Signal<Generation>[];
  batch: string | null;
}

/** What the list does now. `paused`: many pages without a match were read, and the person decides. */
export type Reading = 'page' | 'idle' | 'failed' | 'paused' | 'end';

export type ReadPage = (query: Record<string, unknown>, signal: AbortSignal) => Promise<Page<Generation>>;

const PAGE = 100;
const SLOW = 6000;
const MOST_EMPTY_PAGES = 10;
const MOST_NEW_PAGES = 3;

const readPage: ReadPage = (query, signal) => get<Page<Generation>>('/v1/generations', query as never, signal);

export class GalleryList {
  /** What the list does now. */
  readonly reading = signal<Reading>('idle');
  /** Why the last page could not be read. */
  readonly problem = signal<Problem | null>(null);
  /** Whether a page takes long. */
  readonly isSlow = signal(false);
  /** New generations that wait for the person to go to the top. */
  readonly waiting = signal<readonly Signal<Generation>[]>([]);
  /** Where the window was, in pixels. */
  scrollY = 0;
  /** The card that has the focus, or had it last. */
  active = 0;
  /** Whether the person went from a card to another place, and comes back to the card. */
  isLeft = false;

  private readonly all = signal<readonly Entry[]>([]);
  private readonly seen = new Set<string>();
  private readonly stacks = new Map<string, number>();
  private cursor: string | null = null;
  /** Where the list goes on after those that wait, if so many came that some between are not read. */
  private gap: string | null = null;
  private abort = new AbortController();

  constructor(
    readonly filters: Filters,
    private readonly read: ReadPage = readPage,
  ) {}

  /** The places of the grid. What is being deleted is left out. */
  readonly entries = computed<readonly Entry[]>(() => {
    const gone = deleting.value;
    if (gone.size === 0) return this.all.value;
    return this.all.value
      .map((entry) => ({ ...entry, generations: entry.generations.filter((each) => !gone.has(each.peek().id)) }))
      .filter(({ generations }) => generations.length > 0);
  });

  /** The person opens a card; the arrows of the details then go through this list. */
  leave(index: number): void {
    this.active = index;
    this.isLeft = true;
    neighbours.value = this.entries.peek().flatMap(({ generations }) => generations.map((each) => each.peek().id));
  }

  /** Read the next page, unless one is read, or the list is at its end or waits for the person. */
  async more(): Promise<void> {
    if (this.reading.peek() !== 'idle') return;
    this.reading.value = 'page';
    const { signal } = this.abort;
    const slow = setTimeout(() => (this.isSlow.value = true), SLOW);
    try {
      this.reading.value = await this.readOn(signal);
      this.problem.value = null;
    } catch (thrown) {
      if (signal.aborted) return;
      this.problem.value = asProblem(thrown);
      this.reading.value = 'failed';
    } finally {
      clearTimeout(slow);
      if (!signal.aborted) this.isSlow.value = false;
    }
  }

  // With several filters a page can be empty although more follow.
  private async readOn(signal: AbortSignal): Promise<Reading> {
    for (let empty = 0; empty < MOST_EMPTY_PAGES; empty += 1) {
      const page = await this.read({ ...queryOf(this.filters), limit: PAGE, cursor: this.cursor }, signal);
      const isNew = this.append(page.data);
      this.cursor = page.next_cursor;
      if (!page.has_more) return 'end';
      if (isNew) return 'idle';
    }
    return 'paused';
  }

  /** Read on after a failure, a slow page, or many pages without a match. Nothing that was read is lost. */
  again(): Promise<void> {
    this.stop();
    this.reading.value = 'idle';
    return this.more();
  }

  /** Give up the page that is read. */
  stop(): void {
    this.abort.abort();
    this.abort = new AbortController();
    this.isSlow.value = false;
    if (this.reading.peek() === 'page') this.reading.value = 'idle';
  }

  /** Look for generations that are newer than the list. Without an answer the next look finds them. */
  async refresh(): Promise<void> {
    if (this.seen.size === 0 && this.reading.peek() !== 'end') return;
    const { signal } = this.abort;
    const fresh: Generation[] = [];
    let cursor: string | null = null;
    try {
      for (let count = 0; count < MOST_NEW_PAGES; count += 1) {
        const page: Page<Generation> = await this.read({ ...queryOf(this.filters), limit: PAGE, cursor }, signal);
        const unseen = page.data.filter(({ id }) => !this.seen.has(id));
        page.data.forEach(keep);
        fresh.push(...unseen);
        cursor = page.next_cursor;
        if (unseen.length < page.data.length || !page.has_more) cursor = null;
        if (cursor === null) break;
      }
    } catch {
      return;
    }
    this.gap = cursor ?? this.gap;
    const known = new Set(this.waiting.peek().map((each) => each.peek().id));
    const added = fresh.filter(({ id }) => !known.has(id) && !this.seen.has(id)).map(keep);
    if (added.length > 0) this.waiting.value = [...added, ...this.waiting.peek()];
  }

  /** Put the generations that wait at the top. */
  takeWaiting(): void {
    const fresh = this.waiting.peek();
    if (fresh.length === 0) return;
    this.waiting.value = [];
    const older = this.gap === null ? this.all.peek() : [];
    if (this.gap !== null) {
      this.stop();
      this.cursor = this.gap;
      this.reading.value = 'idle';
      this.gap = null;
    }
    this.seen.clear();
    this.stacks.clear();
    this.all.value = [];
    this.add([...fresh, ...older.flatMap(({ generations }) => generations)]);
  }

  private append(documents: readonly Generation[]): boolean {
    return this.add(documents.map(keep));
  }

  /** Add generations at the end; those of a batch to its stack. Whether one is new. */
  private add(generations: readonly Signal<Generation>[]): boolean {
    const entries = [...this.all.peek()];
    const before = this.seen.size;
    for (const each of generations) {
      const { id, batch_id: batch } = each.peek();
      if (this.seen.has(id)) continue;
      this.seen.add(id);
      const stack = batch && !this.filters.batch ? this.stacks.get(batch) : undefined;
      const entry = stack === undefined ? undefined : entries[stack];
      if (stack !== undefined && entry) entries[stack] = { ...entry, generations: [...entry.generations, each] };
      else {
        if (batch) this.stacks.set(batch, entries.length);
        entries.push({ generations: [each], batch: batch ?? null });
      }
    }
    if (this.seen.size > before) this.all.value = entries;
    return this.seen.size > before;
  }
}
