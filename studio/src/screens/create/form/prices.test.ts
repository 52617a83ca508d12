import { expect, test } from 'vitest';

import { priceText, usualPrice } from './prices';
import { modelWith } from './testing';

const SPECIAL = { aspect_ratio: null, audio: null, duration_seconds: null, input_videos: null, resolution: null };
const BASE = { audio_factor: 1, resolution_factors: {}, specials: [] };

test.each([
  [{ ...BASE, per: 'image' as const, credits: 1 }, '1 credit an image'],
  [{ ...BASE, per: 'second' as const, credits: 14, audio_factor: 2 }, 'from 14 credits a second'],
  [{ ...BASE, per: 'video' as const, credits: 30, specials: [{ ...SPECIAL, duration_seconds: 5, amount: 12 }] }, 'from 12 credits a video'],
])('%j reads %s', (price, text) => expect(priceText(modelWith({}, { price }))).toBe(text));

test('the usual price is that of the defaults', () => {
  const price = { ...BASE, per: 'second' as const, credits: 10, resolution_factors: { '720p': 1, '1080p': 2 } };
  expect(usualPrice(modelWith({}, { price, defaults: { resolution: '1080p', duration_seconds: 5 } }))).toBe(100);
});
