// Clients send an order again by themselves when a relay loses the first answer. They get the one generation.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createReelworks } from '@reelworks/ai-sdk';
import { experimental_generateVideo as generateVideo, generateImage } from 'ai';
import OpenAI from 'openai';

const { KEY, RELAY, PROMPT } = process.env as Record<string, string>;
const baseURL = `${RELAY}/openai/v1`;
const openai = new OpenAI({ apiKey: KEY, baseURL });
const reelworks = createReelworks({ apiKey: KEY, baseURL });

test('openai videos', async () => {
  assert.match((await openai.videos.create({ prompt: PROMPT })).id, /^video_/);
});

test('openai images', async () => {
  assert.ok((await openai.images.generate({ model: 'nano-banana', prompt: PROMPT })).data![0]!.b64_json);
});

test('ai-sdk videos', async () => {
  const model = reelworks.video('sora-2');
  const { video } = await generateVideo({ model, prompt: PROMPT, poll: { intervalMs: 100 } });
  assert.ok(video.uint8Array.length);
});

test('ai-sdk images', async () => {
  const { image } = await generateImage({ model: reelworks.image('nano-banana'), prompt: PROMPT });
  assert.ok(image.uint8Array.length);
});
