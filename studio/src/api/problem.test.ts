import { expect, test } from 'vitest';

import { sentence } from './problem';

test.each([
  ['this API key is unknown', 'This API key is unknown.'],
  ['veo-3 cannot do that: fps must be 24', 'veo-3 cannot do that: fps must be 24.'],
  ['must be 5 or 10, not 7', 'Must be 5 or 10, not 7.'],
  ['The server answered with 502.', 'The server answered with 502.'],
])('%s reads %s', (message, text) => expect(sentence(message)).toBe(text));
