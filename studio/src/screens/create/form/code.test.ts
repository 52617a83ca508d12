import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';

import { codeOf } from './code';

const ORDER = { model: 'boat', prompt: 'it\'s "a" boat\nwith 🚤 and \\n', duration_seconds: 5, generate_audio: false, image_urls: ['upload:1'] };

test('the shell reads the body of curl as the order', () => {
  const code = codeOf('curl', [ORDER], 'http://gateway.example/', 'mp4');
  const echo = code.replace(/^curl /, 'printf "%s\\n" ').replace('$(uuidgen)', 'key');
  const words = execFileSync('sh', ['-c', echo], { encoding: 'utf8', env: { REELWORKS_API_KEY: 'rw_x' } });
  expect(JSON.parse(words.slice(words.indexOf('{')))).toEqual(ORDER);
  expect(words).toContain('http://gateway.example/v1/generations\n');
});

test('each language names the placeholder of the key, and no key', () => {
  expect(codeOf('curl', [ORDER], 'http://g', 'mp4')).toContain('$REELWORKS_API_KEY');
  expect(codeOf('python', [ORDER], 'http://g', 'mp4')).toContain('os.environ["REELWORKS_API_KEY"]');
  expect(codeOf('node', [ORDER], 'http://g', 'mp4')).toContain('process.env.REELWORKS_API_KEY');
});

test('the values are those of each language', () => {
  expect(codeOf('python', [ORDER], 'http://g', 'mp4')).toContain('generate_audio=False');
  expect(codeOf('node', [ORDER], 'http://g', 'mp4')).toContain('generate_audio: false');
});

test('several orders are a batch', () => {
  const orders = [ORDER, { ...ORDER, model: 'ship' }];
  expect(codeOf('curl', orders, 'http://g', 'png')).toContain('/v1/batches');
  expect(codeOf('python', orders, 'http://g', 'png')).toContain('order_batch');
  expect(codeOf('node', [{ ...ORDER, number_of_outputs: 2 }], 'http://g', 'png')).toContain('orderBatch');
});
