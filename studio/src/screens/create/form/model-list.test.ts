import { expect, test } from 'vitest';

import { makersOf, modelFor, wantedModels, type Wanted } from './model-list';
import { modelWith } from './testing';

const price = (credits: number) => ({ price: { per: 'video' as const, credits, audio_factor: 1, resolution_factors: {}, specials: [] } });
const TEXT = modelWith({}, { name: 'boat-text', title: 'Boat, text', ...price(30) });
const PICTURE = modelWith({ min_images: 1, max_images: 1 }, { name: 'boat-picture', title: 'Boat, picture', ...price(20) });
const OTHER = modelWith({ min_images: 1, max_images: 1 }, { name: 'car-picture', title: 'Car', maker: 'Bolt', description: 'Cars.', good_for: 'cars', speed: 'fast', ...price(10) });
const RETIRED = modelWith({}, { name: 'old', status: 'retired', maker: 'Gone' });
const ALL = [OTHER, TEXT, PICTURE, RETIRED];
const WANTED: Wanted = { kind: 'video', text: '', maker: '', speed: '', quality: '', start: 'any', sorting: 'recommended' };

test.each<[Partial<Wanted>, string[]]>([
  [{}, ['car-picture', 'boat-text', 'boat-picture']],
  [{ text: 'BOAT pic' }, ['boat-picture']],
  [{ start: 'text' }, ['boat-text']],
  [{ start: 'image', maker: 'Bolt' }, ['car-picture']],
  [{ sorting: 'price' }, ['car-picture', 'boat-picture', 'boat-text']],
  [{ speed: 'fast' }, ['car-picture']],
  [{ kind: 'image' }, []],
])('%j finds %j', (wanted, names) => {
  expect(wantedModels(ALL, { ...WANTED, ...wanted }).map(({ name }) => name)).toEqual(names);
});

test('retired models have no maker in the list', () => expect(makersOf(ALL, 'video')).toEqual(['Acme', 'Bolt']));

test('a model of the same maker takes over an input that the current one does not take', () => {
  expect(modelFor(ALL, TEXT, 'video', 1, 0)).toBe(PICTURE);
  expect(modelFor(ALL, TEXT, 'video', 0, 0)).toBe(TEXT);
  expect(modelFor(ALL, TEXT, 'video', 0, 1)).toBeUndefined();
});
