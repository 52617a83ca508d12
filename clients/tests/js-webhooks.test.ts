// Webhooks, signed by the reference library of Standard Webhooks.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InvalidWebhook, verify } from '@reelworks/client';
import { Webhook } from 'standardwebhooks';

const SECRET = `whsec_${Buffer.from('0123456789abcdef01234567').toString('base64')}`;
const OTHER = `whsec_${Buffer.from('another secret of 24 byte').toString('base64')}`;
const BODY = JSON.stringify({ id: '4711', type: 'generation.completed', sequence: 4711, data: { generation_id: 'g' } });

function signed(secret = SECRET, { age = 0, body = BODY } = {}): Record<string, string> {
  const then = new Date(Date.now() - age * 1000);
  return {
    'Webhook-Id': '4711',
    'Webhook-Timestamp': String(Math.floor(then.getTime() / 1000)),
    'Webhook-Signature': new Webhook(secret).sign('4711', then, body),
  };
}

test('a webhook of the reference library is genuine', async () => {
  assert.equal((await verify(BODY, signed(), SECRET)).type, 'generation.completed');
  assert.equal((await verify(Buffer.from(BODY), new Headers(signed()), SECRET)).sequence, 4711);
});

test('both secrets are valid during a rotation', async () => {
  assert.equal((await verify(BODY, signed(OTHER), [SECRET, OTHER])).id, '4711');
  const both = { ...signed(), 'Webhook-Signature': `v1a,AAAA ${signed(OTHER)['Webhook-Signature']} ${signed()['Webhook-Signature']}` };
  assert.equal((await verify(BODY, both, SECRET)).id, '4711');
});

test('a forged or an old webhook is refused', async () => {
  const forged: [string, Record<string, string>][] = [
    [`${BODY} `, signed()],
    [BODY, signed(OTHER)],
    [BODY, { ...signed(), 'Webhook-Id': '4712' }],
    [BODY, { ...signed(), 'Webhook-Timestamp': 'soon' }],
    [BODY, { ...signed(), 'Webhook-Signature': 'v1,???' }],
    [BODY, {}],
    [BODY, signed(SECRET, { age: 600 })],
    [BODY, signed(SECRET, { age: -600 })],
    ['[]', signed(SECRET, { body: '[]' })],
    ['no JSON', signed(SECRET, { body: 'no JSON' })],
  ];
  for (const [body, headers] of forged) {
    await assert.rejects(verify(body, headers, SECRET), InvalidWebhook, JSON.stringify([body, headers]));
  }
  assert.equal((await verify(BODY, signed(SECRET, { age: 600 }), SECRET, { tolerance: 700 })).id, '4711');
});

test('a webhook is verified by the public key', async () => {
  const { privateKey, publicKey } = await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify']);
  const headers = signed(OTHER);
  const content = new TextEncoder().encode(`4711.${headers['Webhook-Timestamp']}.${BODY}`);
  const signature = Buffer.from(await crypto.subtle.sign('Ed25519', privateKey, content)).toString('base64');
  headers['Webhook-Signature'] += ` v1a,${signature}`;
  const key = `whpk_${Buffer.from(await crypto.subtle.exportKey('raw', publicKey)).toString('base64')}`;
  assert.equal((await verify(BODY, headers, key)).id, '4711');
  await assert.rejects(verify(`${BODY} `, headers, key), InvalidWebhook);
});
