// Files, for Node.

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { CallOptions, Reelworks } from './client.js';
import { ConnectionFailed, DamagedFile } from './errors.js';
import { Watch } from './link.js';

const PARTIAL_CONTENT = 206;

/**
 * Write the result to a file. The bytes are checked.
 *
 * After a lost connection the download goes on, and so does a later call for the same path: until the file is whole,
 * the bytes are in a file beside it.
 */
export async function download(
  client: Reelworks,
  id: string,
  path: string,
  { signal }: CallOptions = {},
): Promise<void> {
  const { assets } = await client.generation(id, { signal });
  const asset = assets.find(({ role }) => role === 'result');
  if (!asset) {
    // The refusal says how far the generation is.
    await client.content(id, { signal });
    throw new DamagedFile(`${id} has no result`);
  }
  const part = join(dirname(path), `${basename(path)}.${asset.sha256.slice(0, 8)}.part`);
  await fetchRest(client, `/v1/generations/${id}/content`, part, asset.size_bytes, signal);
  if ((await sha256Of(part)) !== asset.sha256) {
    await rm(part);
    throw new DamagedFile(`the bytes of ${id} are not those of the result: fetch the file again`);
  }
  await rename(part, path);
}

/** Fetch the rest of a file, and after a lost connection the rest of the rest. */
async function fetchRest(
  client: Reelworks,
  path: string,
  part: string,
  size: number,
  signal?: AbortSignal,
): Promise<void> {
  let retries = client.link.retries(signal);
  for (let have = await sizeOf(part); have < size; ) {
    let trouble: unknown = new ConnectionFailed(`${path} ended early`);
    try {
      await append(client, path, part, have, signal);
    } catch (error) {
      trouble = error;
    }
    const has = await sizeOf(part);
    if (has > have) {
      retries = client.link.retries(signal);
    }
    if (has < size) {
      await retries.pauseAfter(trouble);
    }
    have = has;
  }
}

async function append(client: Reelworks, path: string, part: string, have: number, signal?: AbortSignal) {
  const headers: Record<string, string> = have ? { range: `bytes=${have}-` } : {};
  const watch = new Watch(client.link.timeout, signal);
  try {
    const response = await client.link.open({ method: 'GET', path, headers }, watch);
    const file = await open(part, response.status === PARTIAL_CONTENT ? 'a' : 'w');
    try {
      const reader = response.body!.getReader();
      for (;;) {
        const { done, value } = await watch.during(reader.read());
        if (done) {
          return;
        }
        await file.write(value);
      }
    } finally {
      await file.close();
    }
  } finally {
    watch.end();
  }
}

async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.size ?? 0;
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path)) {
    hash.update(piece as Buffer);
  }
  return hash.digest('hex');
}
