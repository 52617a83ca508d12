/** A list of the API that is read page by page. */
import { signal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';

import { get, written, type Query } from '../api/client';
import { asProblem, type Problem } from '../api/problem';
import type { Page } from '../api/schemas';

export class Pages<T> {
  /** The entries that were read so far. */
  readonly items = signal<readonly T[]>([]);
  /** Whether a page is on its way. */
  readonly isReading = signal(false);
  /** Whether further entries may follow. */
  readonly hasMore = signal(true);
  /** Why the last page could not be read. */
  readonly problem = signal<Problem | null>(null);

  #cursor: string | null = null;
  #reading = new AbortController();

  constructor(
    private readonly path: string,
    private readonly query: Query = {},
  ) {}

  /** Read the next page, unless one is on its way. A page without entries is no end: the next one follows at once. */
  async more(): Promise<void> {
    if (this.isReading.value || !this.hasMore.value) return;
    const { signal: end } = (this.#reading = new AbortController());
    this.isReading.value = true;
    this.problem.value = null;
    try {
      let read = 0;
      while (read === 0 && this.hasMore.value) {
        const page = await get<Page<T>>(this.path, { ...this.query, cursor: this.#cursor }, end);
        this.items.value = [...this.items.value, ...page.data];
        this.#cursor = page.next_cursor;
        this.hasMore.value = page.has_more;
        read = page.data.length;
      }
    } catch (thrown) {
      if (end.aborted) return;
      this.problem.value = asProblem(thrown);
    }
    this.isReading.value = false;
  }

  /** Read anew from the start. The entries stay until the first page has come. */
  async again(): Promise<void> {
    this.stop();
    const { signal: end } = (this.#reading = new AbortController());
    this.isReading.value = true;
    try {
      const page = await get<Page<T>>(this.path, this.query, end);
      this.items.value = page.data;
      this.#cursor = page.next_cursor;
      this.hasMore.value = page.has_more;
      this.problem.value = null;
    } catch (thrown) {
      if (end.aborted) return;
      this.problem.value = asProblem(thrown);
    }
    this.isReading.value = false;
  }

  /** End what is on its way. */
  stop(): void {
    this.#reading.abort();
    this.isReading.value = false;
  }

  /** Put a newer document in the place of the one that `isSame` finds. */
  replace(item: T, isSame: (other: T) => boolean): void {
    this.items.value = this.items.value.map((each) => (isSame(each) ? item : each));
  }
}

/** The pages of a list while a component shows them; another path or query begins another list. */
export function usePages<T>(path: string, query: Query = {}): Pages<T> {
  const pages = useMemo(() => new Pages<T>(path, query), [path, written(query)]);
  useEffect(() => {
    void pages.more();
    return () => pages.stop();
  }, [pages]);
  return pages;
}
