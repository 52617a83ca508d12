// The Vercel AI SDK with our provider against a running gateway: the examples of its own documentation, and the rest.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { reelworks } from '@reelworks/ai-sdk';
import { experimental_generateVideo as generateVideo, generateImage } from 'ai';

const { PROMPT, FAILING_PROMPT, PICTURE } = process.env as Record<string, string>;
const VIDEO = 'sora-2';
const IMAGE = 'nano-banana';
const poll = { intervalMs: 100 };
const picture = () => readFileSync(PICTURE);

globalThis.AI_SDK_LOG_WARNINGS = false;

function isVideo({ uint8Array, mediaType }: { uint8Array: Uint8Array; mediaType: string }) {
  assert.equal(mediaType, 'video/mp4');
  assert.equal(Buffer.from(uint8Array).toString('latin1', 4, 8), 'ftyp');
}

function isImage({ uint8Array }: { uint8Array: Uint8Array }) {
  assert.equal(Buffer.from(uint8Array).toString('latin1', 1, 4), 'PNG');
}

/** The examples of a page that name no provider and need no file of the reader. */
function examples(page: string): string[] {
  const text = readFileSync(join('node_modules/ai/docs/03-ai-sdk-core', page), 'utf8');
  const blocks = [...text.matchAll(/^```tsx[^\n]*\n(.*?)^```$/gms)].map(([, code]) => code!);
  return blocks.filter(code => code.includes('__PROVIDER_IMPORT__') && !/firstFrame|example\.com/.test(code));
}

describe('the examples of the AI SDK', { concurrency: true }, () => {
  const folder = mkdtempSync(join(import.meta.dirname, '.examples-'));
  after(() => rmSync(folder, { recursive: true }));
  const pages = { '38-video-generation.mdx': isVideo, '35-image-generation.mdx': isImage };
  for (const [page, check] of Object.entries(pages)) {
    const found = examples(page);
    test(`${page} has examples`, () => assert.ok(found.length >= 4));
    for (const [number, example] of found.entries()) {
      test(`${page}, example ${number + 1}`, async () => {
        const result = /const \{ (\w+) \}/.exec(example)![1]!;
        const code = example
          .replace('__PROVIDER_IMPORT__', "import { reelworks } from '@reelworks/ai-sdk'")
          .replace('__VIDEO_MODEL__', `reelworks.video('${VIDEO}')`)
          .replace('__IMAGE_MODEL__', `reelworks.image('${IMAGE}')`);
        const file = join(folder, `${page}-${number}.mjs`);
        writeFileSync(file, `${code}\nexport const made = [${result}].flat();\n`);
        const { made } = await import(file);
        made.forEach(check);
      });
    }
  }
});

test('a video begins with a picture, and says which settings it lacks', async () => {
  const { video, warnings, providerMetadata } = await generateVideo({
    model: reelworks.video(VIDEO),
    prompt: { image: picture(), text: PROMPT },
    fps: 24,
    duration: 4,
    providerOptions: { reelworks: { quality: 'high' } },
    poll,
  });
  isVideo(video);
  assert.deepEqual(warnings, [
    { type: 'unsupported', feature: 'fps' },
    { type: 'other', message: 'quality ignored' },
  ]);
  assert.match(`${providerMetadata.reelworks?.videoId}`, /^video_/);
});

test('a video begins and ends with pictures', async () => {
  const frameImages = [
    { image: picture(), frameType: 'first_frame' as const },
    { image: picture(), frameType: 'last_frame' as const },
  ];
  isVideo((await generateVideo({ model: reelworks.video(VIDEO), prompt: PROMPT, frameImages, poll })).video);
});

test('a failed video is an error with the reason', async () => {
  await assert.rejects(generateVideo({ model: reelworks.video(VIDEO), prompt: FAILING_PROMPT, poll }), /\w+/);
});

test('a wrong value is an error with the message of the gateway', async () => {
  const model = reelworks.video(VIDEO);
  const wrong = generateVideo({ model, prompt: PROMPT, duration: 99, poll });
  await assert.rejects(wrong, { statusCode: 400, message: /seconds/ });
});

test('images are made from images, and a mask is refused', async () => {
  const model = reelworks.image('nano-banana-edit');
  const { images } = await generateImage({ model, prompt: { text: PROMPT, images: [picture(), picture()] } });
  images.forEach(isImage);
  const masked = { text: PROMPT, images: [picture()], mask: picture() };
  await assert.rejects(generateImage({ model, prompt: masked }), /mask/);
});

test('a model of another type is refused', () => {
  assert.throws(() => reelworks.languageModel('gpt-4'), { name: 'AI_NoSuchModelError' });
});
