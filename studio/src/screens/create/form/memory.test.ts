import { beforeEach, expect, test } from 'vitest';

import { remember, remembered } from './memory';
import { EMPTY } from './values';

beforeEach(() => localStorage.clear());

test('each customer finds the own last values', () => {
  remember('one', { ...EMPTY, prompt: 'a boat', seed: 7 });
  expect(remembered('one')).toEqual({ ...EMPTY, prompt: 'a boat', seed: 7 });
  expect(remembered('two')).toEqual(EMPTY);
});

test.each(['{', 'null', '[]', '{"models":null,"compared":{},"prompt":5,"strange":1,"seed":{}}'])('kept text %s does no harm', (kept) => {
  localStorage.setItem('reelworks-form-one', kept);
  expect(remembered('one')).toEqual(EMPTY);
});
