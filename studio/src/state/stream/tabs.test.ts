// @vitest-environment node
/** Tabs with a real server of events, and the locks and channels of the platform. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';

import type { Hearer } from './tabs';

interface Connection {
  after: string | undefined;
  response: ServerResponse;
}

let connections: Connection[] = [];
let refusals = 0;
const server = createServer((request: IncomingMessage, response: ServerResponse) => {
  if (refusals > 0) {
    refusals -= 1;
    response.writeHead(503).end();
    return;
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const after = request.headers['last-event-id'] as string | undefined;
  // A stream that begins now tells its position first.
  response.write(`retry: 1000\n\n${after === undefined ? 'id: 10\n\n' : ''}`);
  connections.push({ after, response });
});

let hear: typeof import('./tabs').hear;
let endings: AbortController[] = [];
let name = 0;

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const page = new EventTarget();
  vi.stubGlobal('document', { baseURI: `http://127.0.0.1:${port}/studio/`, visibilityState: 'visible' });
  vi.stubGlobal('addEventListener', page.addEventListener.bind(page));
  vi.stubGlobal('removeEventListener', page.removeEventListener.bind(page));
  ({ hear } = await import('./tabs'));
});

beforeEach(() => {
  connections = [];
  refusals = 0;
  name += 1;
});

afterEach(() => {
  for (const each of endings) each.abort();
  endings = [];
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

function tab() {
  const heard: string[] = [];
  const states: string[] = [];
  const hearer: Hearer = { onEvent: ({ id }) => heard.push(id ?? ''), onState: (state) => states.push(state) };
  const ending = new AbortController();
  endings.push(ending);
  hear(`events-${name}`, hearer, ending.signal);
  return { heard, states, close: () => ending.abort() };
}

const tell = (connection: Connection | undefined, id: number) =>
  connection?.response.write(`id: ${id}\nevent: stage\ndata: {"id":"${id}","type":"stage"}\n\n`);

vi.setConfig({ testTimeout: 40_000 });

const until = (check: () => void) => vi.waitFor(check, { timeout: 20_000, interval: 10 });

test('two tabs hear each event by one stream', async () => {
  const [one, two] = [tab(), tab()];
  await until(() => expect([one.states, two.states]).toEqual([['live'], ['live']]));
  tell(connections[0], 11);
  await until(() => expect([one.heard, two.heard]).toEqual([['11'], ['11']]));
  expect(connections).toHaveLength(1);
});

test('the next tab leads when the leading one closes, and begins after the last event', async () => {
  const one = tab();
  await until(() => expect(one.states).toEqual(['live']));
  const two = tab();
  await until(() => expect(two.states).toEqual(['live']));
  tell(connections[0], 12);
  await until(() => expect(two.heard).toEqual(['12']));
  one.close();
  await until(() => expect(connections).toHaveLength(2));
  expect(connections[1]?.after).toBe('12');
  tell(connections[1], 13);
  await until(() => expect(two.heard).toEqual(['12', '13']));
});

test('a connection that is lost goes on after the last event, also when the server refuses meanwhile', async () => {
  const one = tab();
  await until(() => expect(one.states).toEqual(['live']));
  tell(connections[0], 14);
  await until(() => expect(one.heard).toEqual(['14']));
  refusals = 1;
  connections[0]?.response.destroy();
  await until(() => expect(connections).toHaveLength(2));
  expect(connections[1]?.after).toBe('14');
  expect(one.states.slice(0, 2)).toEqual(['live', 'away']);
  await until(() => expect(one.states.at(-1)).toBe('live'));
});

test('a tab that joins a stream whose position it does not know gets the position from the leader', async () => {
  const one = tab();
  await until(() => expect(one.states).toEqual(['live']));
  const two = tab();
  await until(() => expect(two.states).toEqual(['live']));
  one.close();
  await until(() => expect(connections).toHaveLength(2));
  expect(connections[1]?.after).toBe('10');
});

test('a leader that is silent, such as a tab that was put to sleep, loses the lead', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'Date'] });
  try {
    let lost = false;
    const isHeld = new Promise<void>((resolve) => {
      navigator.locks
        .request(`events-${name}`, () => {
          resolve();
          return new Promise(() => undefined);
        })
        .catch(() => (lost = true));
    });
    await isHeld;
    const one = tab();
    vi.advanceTimersByTime(40_000);
    expect(lost).toBe(false);
    vi.advanceTimersByTime(20_000);
    await until(() => expect(one.states).toEqual(['live']));
    expect(lost).toBe(true);
  } finally {
    vi.useRealTimers();
  }
});
