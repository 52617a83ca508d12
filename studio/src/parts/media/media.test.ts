import { expect, test } from 'vitest';

import type { Generation } from '../../api/schemas';
import { clock, isGone, posterOf, promptOf, shapeOf } from './media';

const image = {
  kind: 'image',
  status: 'completed',
  inputs: { prompt: 'a boat\n\nStyle: soft light', style: 'cinematic', aspect_ratio: '4:5' },
  assets: [],
  links: { self: '/v1/generations/1', content: '/v1/generations/1/content', thumbnail: null },
} as unknown as Generation;

const stored = (content_type: string) => ({ ...image, assets: [{ role: 'result', content_type, width: 1600, height: 900 }] }) as Generation;

test('the prompt is the text that was typed, without the text of the style', () => {
  expect(promptOf(image)).toBe('a boat');
  expect(promptOf({ inputs: { ...image.inputs, style: null } } as Generation)).toBe('a boat\n\nStyle: soft light');
  const planned = { model: 'kling', credits: 70, inputs: { ...image.inputs, prompt: 'a whale', style: null } };
  expect(promptOf({ ...image, preview_of: planned } as Generation)).toBe('a whale');
});

test('the shape is that of the file, and before that of the order', () => {
  expect(shapeOf(image)).toBe(0.8);
  expect(shapeOf(stored('image/png'))).toBeCloseTo(16 / 9);
});

test('a picture is its own poster, if browsers show its type', () => {
  expect(posterOf(stored('image/png'))).toMatch(/\/v1\/generations\/1\/content$/);
  expect(posterOf(stored('image/heic'))).toBeNull();
});

test('a result without a link is gone, an unfinished one is not', () => {
  const links = { ...image.links, content: null };
  expect(isGone({ ...image, links } as Generation)).toBe(true);
  expect(isGone({ ...image, links, status: 'queued' } as Generation)).toBe(false);
});

test.each([
  [0, '0:00'],
  [5.04, '0:05'],
  [65, '1:05'],
  [3723, '1:02:03'],
])('%d seconds are %s on a clock', (seconds, text) => expect(clock(seconds)).toBe(text));
