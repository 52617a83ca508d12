import { afterEach, expect, test, vi } from 'vitest';

import { Pages } from './pages';

const asked: string[] = [];

function serve(pages: { data: number[]; has_more: boolean; next_cursor: string | null }[]): void {
  vi.stubGlobal('fetch', (url: string) => {
    asked.push(new URL(url).search);
    return Promise.resolve(new Response(JSON.stringify(pages.shift())));
  });
}

afterEach(() => {
  vi.unstubAllGlobals();
  asked.length = 0;
});

test('a page without entries before the end is passed over', async () => {
  serve([
    { data: [1, 2], has_more: true, next_cursor: 'b' },
    { data: [], has_more: true, next_cursor: 'c' },
    { data: [3], has_more: false, next_cursor: null },
  ]);
  const pages = new Pages<number>('/v1/keys', { limit: 2 });
  await pages.more();
  await pages.more();
  await pages.more();
  expect(pages.items.value).toEqual([1, 2, 3]);
  expect(pages.hasMore.value).toBe(false);
  expect(asked).toEqual(['?limit=2', '?limit=2&cursor=b', '?limit=2&cursor=c']);
});

test('a list that is read anew begins at the start', async () => {
  serve([
    { data: [2], has_more: true, next_cursor: 'b' },
    { data: [3, 2], has_more: false, next_cursor: null },
  ]);
  const pages = new Pages<number>('/v1/keys');
  await pages.more();
  await pages.again();
  expect(pages.items.value).toEqual([3, 2]);
  expect(asked).toEqual(['', '']);
});

test('a failure keeps the entries, and the same page can be asked for again', async () => {
  serve([{ data: [1], has_more: true, next_cursor: 'b' }]);
  const pages = new Pages<number>('/v1/keys');
  await pages.more();
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('offline')));
  await pages.more();
  expect(pages.problem.value?.code).toBe('unreachable');
  serve([{ data: [0], has_more: false, next_cursor: null }]);
  await pages.more();
  expect(pages.items.value).toEqual([1, 0]);
  expect(asked.at(-1)).toBe('?cursor=b');
});
