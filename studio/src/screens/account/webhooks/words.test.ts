import { expect, test } from 'vitest';

import type { Endpoint } from '../../../api/schemas';
import { endpointState, typesInWords, wrongUrl } from './words';

const ENDPOINT: Endpoint = {
  object: 'webhook_endpoint',
  id: '5a0f7c1e-0000-4000-8000-000000000000',
  url: 'https://shop.example/hooks',
  types: ['generation.completed'],
  description: null,
  is_implicit: false,
  paused_at: null,
  paused_reason: null,
  failing_since: null,
  earlier_secret_until: null,
  created_at: '2026-11-29T12:00:00Z',
};

test('a paused endpoint is paused, also while it fails', () => {
  const failing_since = '2026-11-29T12:00:00Z';
  expect(endpointState(ENDPOINT).label).toBe('active');
  expect(endpointState({ ...ENDPOINT, failing_since }).label).toBe('failing');
  const paused = endpointState({ ...ENDPOINT, failing_since, paused_at: failing_since, paused_reason: 'failing' });
  expect(paused.label).toBe('paused');
  expect(paused.says).toContain('for days');
});

test('a type that the page does not know keeps its name', () =>
  expect(typesInWords(['generation.failed', 'generation.new'])).toBe('failed, generation.new'));

test.each([
  ['https://shop.example/hooks', null],
  [' http://127.0.0.1:3000 ', null],
  ['', 'Enter the URL of your receiver, such as https://shop.example/hooks.'],
  ['shop.example', 'This is no URL. Enter one such as https://shop.example/hooks.'],
  ['ftp://shop.example', 'Enter a URL that begins with https://.'],
])('the URL %j: %j', (text, wrong) => expect(wrongUrl(text)).toBe(wrong));
