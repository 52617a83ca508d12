// OpenAI's official client for Node against a running gateway. The environment has the URLs, the keys and the prompts.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import OpenAI, { toFile } from 'openai';

const { GATEWAY, KEY, PROMPT } = process.env as Record<string, string>;
const PAUSE_MS = 100;

function clientOf(apiKey: string, url = GATEWAY, options = {}) {
  return new OpenAI({ apiKey, baseURL: `${url}/openai/v1`, ...options });
}

const client = clientOf(KEY);

async function finished(id: string, client: OpenAI) {
  for (;;) {
    const video = await client.videos.retrieve(id);
    if (video.status !== 'queued' && video.status !== 'in_progress') {
      assert.equal(video.error, null);
      return video;
    }
    await new Promise(resolve => setTimeout(resolve, PAUSE_MS));
  }
}

const bytesOf = async (answer: Promise<Response>) => Buffer.from(await (await answer).arrayBuffer());

test('a video is ordered, polled and fetched', async () => {
  const ordered = { model: 'sora-2', prompt: PROMPT, seconds: '4', size: '1280x720' } as const;
  const video = await finished((await client.videos.create(ordered)).id, client);
  assert.deepEqual(
    [video.status, video.progress, video.error, video.seconds, video.size],
    ['completed', 100, null, '4', '1280x720'],
  );
  const content = await client.videos.downloadContent(video.id);
  assert.equal(content.headers.get('content-type'), 'video/mp4');
  assert.equal(Buffer.from(await content.arrayBuffer()).toString('latin1', 4, 8), 'ftyp');
});

test('each variant is a file or a clear error', async () => {
  const video = await finished((await client.videos.create({ prompt: PROMPT })).id, client);
  const film = await bytesOf(client.videos.downloadContent(video.id, { variant: 'video' }));
  assert.equal(film.toString('latin1', 4, 8), 'ftyp');
  const still = await client.videos.downloadContent(video.id, { variant: 'thumbnail' });
  assert.match(still.headers.get('content-type') ?? '', /^image\//);
  await assert.rejects(client.videos.downloadContent(video.id, { variant: 'spritesheet' }), {
    constructor: OpenAI.NotFoundError,
    message: /has no variant 'sprites': none was ordered/,
  });
});

test('a video begins with a file', async () => {
  const picture = await toFile(readFileSync(process.env.PICTURE!), 'first.png', { type: 'image/png' });
  const video = await client.videos.create({ prompt: PROMPT, input_reference: picture });
  assert.equal((await finished(video.id, client)).status, 'completed');
});

test('a video begins with a picture from a link', async () => {
  const image = await client.images.generate({ model: 'nano-banana', prompt: PROMPT, response_format: 'url' });
  const url = image.data![0]!.url!;
  const video = await client.videos.create({ prompt: PROMPT, input_reference: { image_url: url } });
  assert.equal((await finished(video.id, client)).status, 'completed');
});

test('videos are listed page after page', async () => {
  const lister = clientOf(process.env.LISTER_KEY!);
  const ids: string[] = [];
  for (let number = 0; number < 3; number++) {
    ids.unshift((await lister.videos.create({ prompt: PROMPT })).id);
  }
  const first = await lister.videos.list({ limit: 2 });
  assert.deepEqual(first.data.map(({ id }) => id), ids.slice(0, 2));
  const second = await first.getNextPage();
  assert.deepEqual(second.data.map(({ id }) => id), ids.slice(2));
  assert.equal(second.hasNextPage(), false);
  await Promise.all(ids.map(id => finished(id, lister)));
});

test('a deleted video is gone', async () => {
  const video = await finished((await client.videos.create({ prompt: PROMPT })).id, client);
  const deleted = await client.videos.delete(video.id);
  assert.deepEqual([deleted.id, deleted.deleted, deleted.object], [video.id, true, 'video.deleted']);
  await assert.rejects(client.videos.retrieve(video.id), { constructor: OpenAI.NotFoundError, status: 404 });
});

test('images are made and edited while the client waits', async () => {
  const made = await client.images.generate({ model: 'nano-banana', prompt: PROMPT, n: 2 });
  const picture = await toFile(readFileSync(process.env.PICTURE!), 'a.png', { type: 'image/png' });
  const edited = await client.images.edit({ model: 'nano-banana-edit', prompt: PROMPT, image: [picture, picture] });
  const images = [...made.data!, ...edited.data!];
  assert.equal(images.length, 3);
  for (const { b64_json } of images) {
    assert.equal(Buffer.from(b64_json!, 'base64').toString('latin1', 1, 4), 'PNG');
  }
});

test('each error has its class, its type and its code', async () => {
  const { STRICT_GATEWAY, FAILING_PROMPT, LONG_PROMPT } = process.env as Record<string, string>;
  const once = { headers: { 'Idempotency-Key': `${PROMPT.split(' ').at(-1)}` } };
  const [reader, poor] = [clientOf(process.env.READ_KEY!), clientOf(process.env.POOR_KEY!)];
  const strict = clientOf(process.env.STRICT_KEY!, STRICT_GATEWAY, { maxRetries: 0 });
  const running = await client.videos.create({ prompt: LONG_PROMPT });
  const first = await client.videos.create({ prompt: PROMPT }, once);
  const allowed = await strict.videos.create({ prompt: PROMPT });

  const failing = { model: 'nano-banana', prompt: FAILING_PROMPT };
  const other = { prompt: `${PROMPT}!` };
  const cases: [() => Promise<unknown>, number, Function, string][] = [
    [() => client.videos.create({ prompt: PROMPT, size: 'x' as '720x1280' }), 400, OpenAI.BadRequestError, 'invalid_request'],
    [() => clientOf('rw_wrong').videos.list(), 401, OpenAI.AuthenticationError, 'unauthenticated'],
    [() => poor.videos.create({ prompt: PROMPT }), 402, OpenAI.APIError, 'insufficient_credits'],
    [() => reader.videos.create({ prompt: PROMPT }), 403, OpenAI.PermissionDeniedError, 'insufficient_scope'],
    [() => poor.videos.retrieve(running.id), 404, OpenAI.NotFoundError, 'not_found'],
    [() => client.videos.downloadContent(running.id), 409, OpenAI.ConflictError, 'not_ready'],
    [() => client.videos.create(other, once), 422, OpenAI.UnprocessableEntityError, 'idempotency_mismatch'],
    [() => strict.videos.create({ prompt: PROMPT }), 429, OpenAI.RateLimitError, 'rate_limited'],
    [() => client.images.generate(failing), 502, OpenAI.InternalServerError, ''],
  ];
  for (const [call, status, kind, code] of cases) {
    await assert.rejects(call, (wrong: InstanceType<typeof OpenAI.APIError>) => {
      assert.equal(wrong.constructor, kind, `${status}`);
      assert.equal(wrong.status, status);
      assert.ok(wrong.code && wrong.code.includes(code), `${wrong.code}`);
      assert.ok(wrong.type && wrong.message);
      return true;
    });
  }
  await Promise.all([first, allowed].map(({ id }) => finished(id, client)));
});
