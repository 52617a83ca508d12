import { expect, test } from 'vitest';

import type { Generation, Model } from '../api/schemas';
import { extenders, sameSettings, variation } from './drafts';

const inputs = { prompt: 'a boat', seed: 7, resolution: '720p', style: null, image_urls: [], video_urls: [] };
const video = { id: '1', kind: 'video', model: 'veo', inputs, preview_of: null } as unknown as Generation;
const model = (name: string, capabilities: Partial<Model['capabilities']>): Model =>
  ({ name, status: 'active', capabilities: { continues_video: true, extends: [], extends_resolutions: [], ...capabilities } }) as unknown as Model;

test('the same settings leave out what was not set', () => {
  expect(sameSettings(video)).toEqual({ kind: 'video', model: 'veo', prompt: 'a boat', seed: 7, resolution: '720p', image_urls: [], video_urls: [] });
});

test('the same settings of a preview order another preview of its video', () => {
  const planned = { model: 'kling-i2v', text_to_video: 'kling', credits: 70, inputs: { ...inputs, duration_seconds: 5, aspect_ratio: null } };
  const preview = { ...video, kind: 'image', inputs: { ...inputs, aspect_ratio: '9:16' }, preview_of: planned } as unknown as Generation;
  expect(sameSettings(preview)).toMatchObject({ kind: 'video', model: 'kling', duration_seconds: 5, aspect_ratio: '9:16', preview: true });
});

test('a variation has another seed, and none where the model takes none', () => {
  const seeds = new Set([1, 2, 3, 4, 5].map(() => variation(video, model('veo', { max_seed: 2 ** 32 - 1 })).seed));
  expect(seeds.size).toBeGreaterThan(1);
  expect(variation(video, model('veo', { max_seed: null }))).not.toHaveProperty('seed');
});

test('a video is extended by models that take it, its own first', () => {
  const any = model('any', {});
  const own = model('veo-extend', { extends: ['veo'], extends_resolutions: ['720p'] });
  const others = [model('other', { extends: ['kling'] }), model('large', { extends: ['veo'], extends_resolutions: ['1080p'] })];
  expect(extenders(video, [any, ...others, own])).toEqual([own, any]);
  expect(extenders({ ...video, kind: 'image' } as Generation, [any])).toEqual([]);
});
