import { expect, test } from 'vitest';

import type { Input } from './inputs-list';
import { modelWith } from './testing';
import { EMPTY, orderOf, type Values } from './values';

const wish: Values = { ...EMPTY, prompt: ' a boat ', aspect_ratio: '9:16', seed: 7, style: 'anime', negative_prompt: 'text', generate_audio: true };

function input(media: 'image' | 'video', url: string | null): Input {
  return { id: 1, media, url, name: 'x', picture: null, moves: false, progress: 1, problem: null, seconds: null };
}

test('an order has only the fields that the model has', () => {
  expect(orderOf(wish, [], modelWith({}))).toEqual({ model: 'boat', prompt: 'a boat' });
});

test('a wish is followed where the model can, and the default stands where not', () => {
  const model = modelWith({ aspect_ratios: ['16:9', '1:1'], max_seed: 10, audio: true }, { styles: ['anime'], defaults: { aspect_ratio: '16:9' } });
  expect(orderOf(wish, [], model)).toMatchObject({ aspect_ratio: '16:9', seed: 7, style: 'anime', generate_audio: true });
});

test('as many inputs as the model takes are in the order, without those that are still sent', () => {
  const list = [input('image', 'upload:1'), input('image', null), input('image', 'upload:2'), input('video', 'upload:3')];
  const order = orderOf(wish, list, modelWith({ max_images: 1 }));
  expect(order.image_urls).toEqual(['upload:1']);
  expect(order).not.toHaveProperty('video_urls');
});

test('a picture that decides the shape leaves the aspect ratio out', () => {
  const model = modelWith({ max_images: 1, keeps_image_shape: true, aspect_ratios: ['9:16'] });
  expect(orderOf(wish, [input('image', 'upload:1')], model)).not.toHaveProperty('aspect_ratio');
  expect(orderOf(wish, [], model)).toHaveProperty('aspect_ratio', '9:16');
});

test('a model that reads no prompt gets one anyway', () => {
  expect(orderOf(EMPTY, [], modelWith({ uses_prompt: false })).prompt).toBe('Boat');
});
