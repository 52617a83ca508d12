// The messages that a running system sent to an endpoint, verified as receivers verify them.

import assert from 'node:assert/strict';
import { createPublicKey, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Webhook } from 'standardwebhooks';

type Message = { headers: Record<string, string>; body: string };

const { MESSAGES, SECRET, PUBLIC_KEY } = process.env as Record<string, string>;
const messages: Message[] = JSON.parse(readFileSync(MESSAGES!, 'utf8'));

test('standardwebhooks verifies the signature by the secret', () => {
  assert.ok(messages.length);
  const webhook = new Webhook(SECRET!);
  for (const { headers, body } of messages) {
    const told = webhook.verify(body, headers) as { type: string };
    assert.equal(told.type, 'generation.completed');
    assert.throws(() => webhook.verify(body + ' ', headers));
  }
});

test('Node verifies the signature by the public key', () => {
  const x = Buffer.from(PUBLIC_KEY!.replace(/^whpk_/, ''), 'base64').toString('base64url');
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  for (const { headers, body } of messages) {
    const given = headers['webhook-signature']!.split(' ').find((each) => each.startsWith('v1a,'))!;
    const signature = Buffer.from(given.slice('v1a,'.length), 'base64');
    const signed = (text: string) => Buffer.from(`${headers['webhook-id']}.${headers['webhook-timestamp']}.${text}`);
    assert.ok(verify(null, signed(body), key, signature));
    assert.ok(!verify(null, signed(body + ' '), key, signature));
  }
});
