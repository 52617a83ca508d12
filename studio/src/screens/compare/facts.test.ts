import { expect, test } from 'vitest';

import type { Generation } from '../../api/schemas';
import { promptsOf, rowsOf } from './facts';

const made = (model: string, prompt: string, seed: number | null): Generation =>
  ({
    model,
    inputs: { prompt, seed, generate_audio: false },
    credits: { price: 4, captured: 4 },
    created_at: '2026-11-20T12:00:00Z',
    started_at: '2026-11-20T12:00:02Z',
    finished_at: '2026-11-20T12:01:10Z',
    render_seconds: 0,
    assets: [],
  }) as unknown as Generation;

test('rows that differ are marked, and rows without a value are left out', () => {
  const rows = rowsOf([made('veo', 'a boat', 7), made('kling', 'a boat', null)]);
  const of = (name: string) => rows.find((row) => row.name === name);
  expect(of('Model')).toEqual({ name: 'Model', values: ['veo', 'kling'], differs: true });
  expect(of('Seed')).toEqual({ name: 'Seed', values: ['7', null], differs: true });
  expect(of('Sound')).toEqual({ name: 'Sound', values: ['no', 'no'], differs: false });
  expect(of('From order to result')?.values).toEqual(['1 min 10 s', '1 min 10 s']);
  expect(of('Made in')?.values).toEqual(['0 s', '0 s']);
  expect(of('Style')).toBeUndefined();
});

test('the words of a prompt that another lacks are marked', () => {
  const [first, second] = promptsOf([made('veo', 'a boat, in fog', 1), made('veo', 'A boat in heavy rain', 1)]);
  const others = promptsOf([made('veo', 'a boat in fog', 1), made('veo', 'two foxes at night', 1)]);
  expect(others).toEqual([[['a boat in fog', false]], [['two foxes at night', false]]]);
  expect(first).toEqual([
    ['a boat, in ', false],
    ['fog', true],
  ]);
  expect(second?.filter(([, isNew]) => isNew).map(([text]) => text)).toEqual(['heavy', 'rain']);
  expect(promptsOf([made('veo', 'a boat', 1)])).toEqual([[['a boat', false]]]);
});
