// The Redis door with the Celery client of Node, whose messages have Celery's protocol 2.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import celery from 'celery-node';

const { REDIS_URL, CUSTOMER, PROMPT } = process.env as Record<string, string>;
const client = celery.createClient(REDIS_URL, REDIS_URL, 'requests');

after(() => client.disconnect());

function order(request: Record<string, unknown>) {
  return client.sendTask('generation.enqueue', [], { customer_id: CUSTOMER, request });
}

test('an order is answered with its generation', async () => {
  const answer = await order({ model: 'nano-banana', prompt: PROMPT }).get(30_000);
  assert.match(answer.id, /^[0-9a-f-]{36}$/);
  assert.deepEqual([answer.status, answer.is_new], ['queued', true]);
});

test('a refused order is answered with its problem', async () => {
  const answer = await order({ model: 'no-such-model', prompt: PROMPT }).get(30_000);
  assert.deepEqual([answer.error.code, answer.error.status], ['invalid_request', 422]);
});
