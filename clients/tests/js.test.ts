// The client for JavaScript against a running gateway.

import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import * as reelworks from '@reelworks/client';
import { Reelworks, type Generation, type GenerationEvent } from '@reelworks/client';
import { download } from '@reelworks/client/node';
import { cutAfterTheAnswer, cutInTheMiddle, relayTo, unavailable, type Trouble } from './relay.ts';

const { GATEWAY, KEY, POOR_KEY, PROMPT, FAILING_PROMPT, LONG_PROMPT, PICTURE } = process.env as Record<string, string>;
const MODEL = 'nano-banana';
const PNG = '\x89PNG';

const client = new Reelworks({ url: GATEWAY!, apiKey: KEY! });
const image = await client.generate({ model: MODEL, prompt: PROMPT! });

async function told(events: AsyncIterable<GenerationEvent>): Promise<GenerationEvent[]> {
  return Array.fromAsync(events);
}

/** A client behind a relay, which each request of the client passes. */
async function through(...troubles: (Trouble | undefined)[]) {
  const relay = await relayTo(GATEWAY!, ...troubles);
  after(relay.close);
  return { relay, client: new Reelworks({ url: relay.url, apiKey: KEY! }) };
}

describe('orders', { concurrency: true }, () => {
  test('an order ends as an image, and tells its progress', async () => {
    const events: GenerationEvent[] = [];
    const onProgress = (event: GenerationEvent) => events.push(event);
    const done = await client.generate({ model: MODEL, prompt: PROMPT!, metadata: { thread: '7' } }, { onProgress });
    assert.equal(done.status, 'completed');
    assert.deepEqual(done.metadata, { thread: '7' });
    assert.equal(events.at(-1)!.type, 'end');
    assert.deepEqual(
      events.map(event => event.progress),
      events.map(event => event.progress).toSorted((one, other) => one - other),
    );
  });

  test('an end without a result is an error that says why', async () => {
    await assert.rejects(client.generate({ model: MODEL, prompt: FAILING_PROMPT! }), (error: Error) => {
      assert.ok(error instanceof reelworks.GenerationFailed);
      assert.equal(error.name, 'GenerationFailed');
      assert.equal(error.generation.error?.code, 'provider_failed');
      return true;
    });
  });

  test('a wait ends in time, and the generation can be cancelled', async () => {
    const { id } = await client.order({ model: MODEL, prompt: LONG_PROMPT! });
    await assert.rejects(client.wait(id, { timeout: 0.2 }), reelworks.WaitTimeout);
    await assert.rejects(client.wait(id, { timeout: 0.2, onProgress: () => {} }), reelworks.WaitTimeout);
    await assert.rejects(client.wait(id, { signal: AbortSignal.timeout(200) }), { name: 'TimeoutError' });
    const stopped = new AbortController();
    const waits = told(client.events(id, { signal: stopped.signal }));
    stopped.abort(new Error('the page was left'));
    await assert.rejects(waits, /the page was left/);
    await client.cancel(id).catch((error: unknown) => assert.ok(error instanceof reelworks.Conflict));
  });

  test('the same key is the same generation, and a retry another', async () => {
    const order = { model: MODEL, prompt: PROMPT! };
    const ids = await Promise.all(['one', 'one'].map(key => client.order(order, { idempotencyKey: `js-${KEY}-${key}` })));
    assert.equal(ids[0]!.id, ids[1]!.id);
    assert.equal((await client.retry(image.id)).retry_of, image.id);
  });

  test('a batch is ordered, read and awaited together', async () => {
    const batch = await client.orderBatch({ request: { model: MODEL }, prompts: [PROMPT!, `${PROMPT} again`] });
    assert.equal(batch.counts.total, 2);
    assert.equal((await client.waitForBatch(batch.id)).counts.completed, 2);
    await assert.rejects(client.cancelBatch(batch.id), reelworks.Conflict);
  });

  test('the price is known before, and an upload is an input', async () => {
    const upload = await client.upload(new Uint8Array(readFileSync(PICTURE!)));
    const model = (await client.models()).find(({ name }) => name === 'nano-banana-edit')?.name ?? MODEL;
    const estimate = await client.estimate({ model, prompt: PROMPT!, image_urls: model === MODEL ? [] : [upload.url] });
    assert.ok(estimate.credits > 0);
    assert.match(upload.url, /^upload:/);
    assert.ok((await client.me()).credits.available > 0);
  });
});

describe('results', { concurrency: true }, () => {
  test('a list has all pages', async () => {
    const found: Generation[] = await Array.fromAsync(client.generations({ limit: 1, status: ['completed', 'queued'] }));
    assert.ok(found.some(({ id }) => id === image.id));
    const transfers = await Array.fromAsync(client.items<{ kind: string }>('/v1/credits/transfers', { limit: 2 }));
    assert.equal(transfers.at(-1)!.kind, 'grant');
  });

  test('the bytes are an image, with a public link, until the deletion', async () => {
    const copy = await client.generate({ model: MODEL, prompt: PROMPT! });
    const bytes = Buffer.from(await (await client.content(copy.id)).arrayBuffer());
    assert.equal(bytes.subarray(0, 4).toString('latin1'), PNG);
    await assert.rejects(client.content(copy.id, { variant: 'web' }), { code: 'not_found', message: /has no variant 'web': none was ordered/ });
    assert.match((await client.share(copy.id, { expiresIn: 60 })).url, /^http/);
    await client.delete(copy.id);
    await assert.rejects(client.content(copy.id), reelworks.NotFound);
  });

  test('a download goes on after a lost connection', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'reelworks-'));
    after(() => rmSync(folder, { recursive: true }));
    const hasBegun = () => readdirSync(folder).some(name => statSync(join(folder, name)).size > 0);
    const { relay, client: behind } = await through(undefined, cutInTheMiddle(hasBegun));
    await download(behind, image.id, join(folder, 'image.png'));
    const size = image.assets.find(({ role }) => role === 'result')!.size_bytes;
    assert.match(relay.requests.at(-1)!.headers.range!, /^bytes=[1-9]/);
    assert.equal(readFileSync(join(folder, 'image.png')).length, size);
    assert.deepEqual(readdirSync(folder), ['image.png']);
  });

  test('a download of other bytes is refused', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'reelworks-'));
    after(() => rmSync(folder, { recursive: true }));
    const { sha256, size_bytes } = image.assets.find(({ role }) => role === 'result')!;
    writeFileSync(join(folder, `image.png.${sha256.slice(0, 8)}.part`), Buffer.alloc(size_bytes));
    await assert.rejects(download(client, image.id, join(folder, 'image.png')), reelworks.DamagedFile);
    assert.deepEqual(readdirSync(folder), []);
  });
});

describe('events', { concurrency: true }, () => {
  test('a stream resumes after a lost connection', async () => {
    const events: GenerationEvent[] = [];
    const { relay, client: behind } = await through(cutInTheMiddle(() => events.length > 0));
    for await (const event of behind.events(image.id)) {
      events.push(event);
    }
    assert.deepEqual(events, await told(client.events(image.id)));
    assert.ok(events.map(({ id }) => id).includes(relay.requests.at(-1)!.headers['last-event-id'] as string));
    assert.deepEqual(await told(client.events(image.id, { after: events.at(-1)!.id! })), []);
  });

  test('the events of all generations go on from the last one', async () => {
    const [first, ...rest] = await told(client.events(image.id));
    for await (const event of client.allEvents({ after: first!.id! })) {
      if (event.generation_id === image.id && event.type === 'end') {
        assert.deepEqual(event, rest.at(-1));
        break;
      }
    }
  });
});

describe('refusals and troubles', { concurrency: true }, () => {
  test('refusals are typed', async () => {
    await assert.rejects(client.generation(crypto.randomUUID()), (error: Error) => {
      assert.ok(error instanceof reelworks.NotFound);
      assert.equal(error.code, 'not_found');
      assert.ok(error.requestId);
      return true;
    });
    await assert.rejects(client.order({ model: MODEL, prompt: 'x', aspect_ratio: '7:7' }), (error: Error) => {
      assert.ok(error instanceof reelworks.InvalidRequest);
      assert.deepEqual(error.errors.map(({ field }) => field), ['aspect_ratio']);
      return true;
    });
    const poor = new Reelworks({ url: GATEWAY!, apiKey: POOR_KEY! });
    await assert.rejects(poor.order({ model: MODEL, prompt: 'x' }), reelworks.InsufficientCredits);
    await assert.rejects(new Reelworks({ url: GATEWAY!, apiKey: 'rw_wrong' }).me(), reelworks.Unauthenticated);
  });

  test('an order whose answer is lost is sent again with its key', async () => {
    const { relay, client: behind } = await through(cutAfterTheAnswer);
    const { id } = await behind.order({ model: MODEL, prompt: PROMPT! }, {});
    const keys = relay.requests.map(request => request.headers['idempotency-key']);
    assert.equal(keys.length, 2);
    assert.equal(keys[0], keys[1]);
    assert.equal((await client.wait(id)).credits.captured, image.credits.captured);
  });

  test('a request waits as long as the service asks', async () => {
    const { relay, client: behind } = await through(unavailable);
    const began = performance.now();
    await behind.me();
    assert.equal(relay.requests.length, 2);
    assert.ok(performance.now() - began >= 1000);
  });

  test('trouble that lasts is an error', async () => {
    const { relay } = await through(unavailable, cutAfterTheAnswer, cutAfterTheAnswer);
    const hasty = new Reelworks({ url: relay.url, apiKey: KEY!, retryFor: 0 });
    await assert.rejects(hasty.me(), (error: Error) => {
      assert.ok(error instanceof reelworks.Unavailable);
      assert.equal(error.retryAfter, 1);
      return true;
    });
    await assert.rejects(hasty.me(), reelworks.ConnectionFailed);
    await assert.rejects(
      new Reelworks({ url: relay.url, apiKey: KEY! }).share(image.id),
      reelworks.ConnectionFailed,
      'a share is not repeated',
    );
    assert.equal(relay.requests.length, 3);
  });
});
