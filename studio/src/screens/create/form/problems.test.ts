import { expect, test } from 'vitest';

import { Problem } from '../../../api/problem';
import { told } from './problems';

test('each reason is at its field, also in a list and in a batch', () => {
  const fields = [
    { field: 'duration_seconds', message: 'must be 5 or 10, not 7', allowed: [5, 10] },
    { field: 'requests.1.aspect_ratio', message: 'must be 16:9', allowed: null },
    { field: 'image_urls.1', message: 'is not found', allowed: null },
    { field: 'image_urls.2', message: 'is too large', allowed: null },
  ];
  expect(told(new Problem(422, 'invalid_request', 'no', fields))).toEqual({
    duration_seconds: 'Must be 5 or 10, not 7.',
    aspect_ratio: 'Must be 16:9.',
    image_urls: 'No. 2 is not found.',
  });
});
