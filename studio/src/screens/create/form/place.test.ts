import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import type { Session } from '../../../api/schemas';
import { session } from '../../../app/session';
import { models } from '../../../state/models';
import { place } from './place';
import { currentRefusal, reasons } from './problems';
import { change, hasTried, values } from './state';
import { modelWith } from './testing';
import { EMPTY } from './values';

const answers: (() => Response)[] = [];
let keys: (string | null)[] = [];

function answer(_: string, init?: RequestInit): Promise<Response> {
  const key = new Headers(init?.headers).get('idempotency-key');
  if (key === null) return Promise.resolve(Response.json({ available: 5, held: 0, data: [] }));
  keys.push(key);
  const next = answers.shift();
  return next ? Promise.resolve(next()) : Promise.reject(new TypeError('no network'));
}

const refused = (status: number, body: object) => () => Response.json({ code: 'x', detail: 'no', ...body }, { status });
const accepted = () => Response.json({ object: 'generation', id: '1', stage: 'queued', credits: { held: 4 }, updated_at: '2026', progress: 0 }, { status: 202 });

beforeEach(() => {
  vi.stubGlobal('fetch', answer);
  hasTried.value = false;
  answers.length = 0;
  keys = [];
  session.value = { customer: { id: 'c', name: 'C' }, key: { scopes: ['generate', 'read'] } } as Session;
  models.value = [modelWith({}, { kind: 'image' })];
  values.value = { ...EMPTY, prompt: 'a boat' };
});
afterEach(() => void vi.unstubAllGlobals());

test('an order without an answer is sent again under the same key, and pays once', async () => {
  expect(await place()).toBe(false);
  expect(currentRefusal.value?.code).toBe('unreachable');
  answers.push(accepted);
  expect(await place()).toBe(true);
  expect(keys[1]).toBe(keys[0]);
});

test('another order, and the same once more, have keys of their own', async () => {
  await place();
  change({ prompt: 'a ship' });
  answers.push(accepted, accepted);
  await place();
  await place();
  expect(new Set(keys).size).toBe(3);
});

test('the reason of a refusal is at the field until the order changes', async () => {
  answers.push(refused(422, { errors: [{ field: 'prompt', message: 'has a strange character' }] }));
  await place();
  expect(reasons.value).toEqual({ prompt: 'Has a strange character.' });
  change({ prompt: 'a plain boat' });
  expect(reasons.value).toEqual({});
});

test('an empty prompt is a mistake only after a try, and nothing is sent', async () => {
  change({ prompt: ' ' });
  expect(reasons.value).toEqual({});
  expect(await place()).toBe(false);
  expect(reasons.value).toHaveProperty('prompt');
  expect(keys).toEqual([]);
});
