import { afterEach, expect, test } from 'vitest';

import type { Generation, GenerationEvent } from '../api/schemas';
import { forgetGenerations, keep, keepWhole, knownGeneration, take, unfinished } from './generations';

const place = { reason: 'capacity', ahead: 3, estimated_start_at: null } as const;
const queued = { id: '1', status: 'queued', stage: 'queued', progress: 0, updated_at: '2026-01-01T00:00:00Z', started_at: null, queue: null } as Generation;
const event = (fields: Partial<GenerationEvent>) => ({ generation_id: '1', type: 'stage', ...fields }) as GenerationEvent;
const held = () => knownGeneration('1')?.value;

afterEach(forgetGenerations);

test('a list, which tells no place in the queue, leaves the known place', () => {
  keepWhole({ ...queued, queue: place });
  keep(queued);
  expect(held()?.queue).toEqual(place);
  keepWhole(queued);
  expect(held()?.queue).toBeNull();
});

test('an event moves the stage and the percent, and sets the start', () => {
  keepWhole({ ...queued, queue: place });
  take(event({ status: 'processing', stage: 'generating', progress: 15, created_at: '2026-01-01T00:00:09Z' }));
  expect(held()).toMatchObject({ status: 'processing', stage: 'generating', progress: 15, started_at: '2026-01-01T00:00:09Z', queue: null });
  take(event({ type: 'progress', status: 'processing', stage: 'generating', progress: 47, created_at: null }));
  expect(held()?.progress).toBe(47);
});

test('an answer that an event overtook changes nothing', () => {
  keep(queued);
  take(event({ status: 'processing', stage: 'generating', progress: 15, created_at: '2026-01-01T00:00:09Z' }));
  keep({ ...queued, updated_at: '2026-01-01T00:00:05Z' });
  expect(held()?.stage).toBe('generating');
});

test('the percent never falls, and what has ended stays so', () => {
  keep({ ...queued, status: 'processing', stage: 'generating', progress: 40 });
  keep({ ...queued, status: 'processing', stage: 'generating', progress: 30 });
  expect(held()?.progress).toBe(40);
  keep({ ...queued, status: 'completed', stage: 'completed', progress: 100, updated_at: '2026-01-01T00:01:00Z' });
  take(event({ status: 'processing', stage: 'storing', progress: 90 }));
  expect(held()?.status).toBe('completed');
  expect(unfinished()).toEqual([]);
});

test('the end is not believed without its document, which has the files and the credits', () => {
  keep(queued);
  take(event({ type: 'end', status: 'completed', stage: 'completed', progress: 100 }));
  expect(held()?.status).toBe('queued');
});
