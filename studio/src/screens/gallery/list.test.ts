import { beforeEach, expect, test } from 'vitest';

import { Problem } from '../../api/problem';
import type { Generation, Page } from '../../api/schemas';
import { deleting } from '../../state/deleting';
import { forgetGenerations } from '../../state/generations';
import { NO_FILTERS } from './filters';
import { GalleryList } from './list';

const made = (id: string, batch_id: string | null = null) => ({ id, batch_id, updated_at: '2026', status: 'completed' }) as Generation;

/** A server with pages of these ids. `-` is an empty page, `!` fails once. */
function serving(...pages: string[]): { list: GalleryList; served: (newest: Generation[]) => void; batch: Record<string, string> } {
  const batch: Record<string, string> = {};
  let newest: Generation[] = [];
  const failed = new Set<number>();
  const read = async ({ cursor }: Record<string, unknown>): Promise<Page<Generation>> => {
    const number = Number(cursor ?? 0);
    const text = pages[number] ?? '';
    if (text.startsWith('!') && !failed.has(number)) {
      failed.add(number);
      throw new Problem(503, 'unavailable', 'Later.');
    }
    const data = [...(number === 0 ? newest : []), ...[...text].filter((id) => /\w/.test(id)).map((id) => made(id, batch[id] ?? null))];
    const has_more = number + 1 < pages.length;
    return { data, has_more, next_cursor: has_more ? String(number + 1) : null };
  };
  return { list: new GalleryList(NO_FILTERS, read), served: (documents) => (newest = documents), batch };
}

const shown = (list: GalleryList) => list.entries.value.map(({ generations }) => generations.map(({ value }) => value.id).join('')).join(' ');

beforeEach(() => {
  forgetGenerations();
  deleting.value = new Set();
});

test('pages follow one another to the end', async () => {
  const { list } = serving('ab', 'cd');
  await list.more();
  expect([shown(list), list.reading.value]).toEqual(['a b', 'idle']);
  await list.more();
  await list.more();
  expect([shown(list), list.reading.value]).toEqual(['a b c d', 'end']);
});

test('a batch is one stack, across pages', async () => {
  const { list, batch } = serving('ab', 'cd');
  Object.assign(batch, { b: 'B', c: 'B' });
  await list.more();
  await list.more();
  expect(shown(list)).toBe('a bc d');
});

test('empty pages are read over, and many of them wait for the person', async () => {
  const { list } = serving('a', '-', '-', 'b', ...Array.from({ length: 11 }, () => '-'), 'c');
  await list.more();
  await list.more();
  expect(shown(list)).toBe('a b');
  await list.more();
  expect(list.reading.value).toBe('paused');
  await list.more();
  expect(list.reading.value).toBe('paused');
  await list.again();
  expect([shown(list), list.reading.value]).toEqual(['a b c', 'end']);
});

test('a page that fails loses nothing, and reading goes on from there', async () => {
  const { list } = serving('ab', '!cd', 'e');
  await list.more();
  await list.more();
  expect([shown(list), list.reading.value, list.problem.value?.message]).toEqual(['a b', 'failed', 'Later.']);
  await list.more();
  expect(shown(list)).toBe('a b');
  await list.again();
  expect([shown(list), list.reading.value, list.problem.value]).toEqual(['a b c d', 'idle', null]);
});

test('new generations wait until the person goes to the top', async () => {
  const { list, served } = serving('ab');
  await list.more();
  served([made('y'), made('x')]);
  await list.refresh();
  await list.refresh();
  expect([shown(list), list.waiting.value.length]).toEqual(['a b', 2]);
  list.takeWaiting();
  expect([shown(list), list.waiting.value.length]).toEqual(['y x a b', 0]);
});

test('an empty list finds its first generation', async () => {
  const { list, served } = serving('');
  await list.more();
  served([made('a')]);
  await list.refresh();
  list.takeWaiting();
  expect(shown(list)).toBe('a');
});

test('what is being deleted is left out, and comes back with an undo', async () => {
  const { list, batch } = serving('abc');
  Object.assign(batch, { b: 'B', c: 'B' });
  await list.more();
  deleting.value = new Set(['a', 'c']);
  expect(shown(list)).toBe('b');
  deleting.value = new Set();
  expect(shown(list)).toBe('a bc');
});
