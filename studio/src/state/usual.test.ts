import { expect, test } from 'vitest';

import type { Generation } from '../api/schemas';
import { restOf } from './usual';

const at = (seconds: number) => new Date(Date.UTC(2026, 0, 1) + seconds * 1000);
const order = { status: 'processing', created_at: at(0).toISOString(), started_at: at(10).toISOString(), queue: null } as unknown as Generation;
const usual = { p50: 40, p90: 70 };

test('the rest is the usual time without the time since the start', () => {
  expect(restOf(order, usual, at(30).getTime())).toEqual({ from: 20, to: 50 });
});

test('the rest is never below zero', () => {
  expect(restOf(order, usual, at(200).getTime())).toEqual({ from: 0, to: 0 });
});

test('an order that waits begins at its estimated start', () => {
  const queue = { reason: 'capacity', ahead: 3, estimated_start_at: at(100).toISOString() };
  const waiting = { ...order, status: 'queued', started_at: null, queue } as Generation;
  expect(restOf(waiting, usual, at(30).getTime())).toEqual({ from: 110, to: 140 });
});

test('without a start or without recent times, the rest is not known', () => {
  const queue = { reason: 'paused', ahead: null, estimated_start_at: null };
  expect(restOf({ ...order, status: 'queued', queue } as Generation, usual, at(30).getTime())).toBeNull();
  expect(restOf(order, null, at(30).getTime())).toBeNull();
});
