// A server between a client and the gateway, which spoils answers as a test says.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Answers a request, or spoils its answer. `gateway` is the answer of the gateway. */
export type Trouble = (answer: ServerResponse, gateway: () => Promise<Response>) => Promise<void>;

/** Cut the connection after the gateway has answered. */
export const cutAfterTheAnswer: Trouble = async (answer, gateway) => {
  await (await gateway()).arrayBuffer();
  answer.destroy();
};

/** Send the first half of the body, and cut the connection once `isTime`. A cut may take what the client did not read. */
export const cutInTheMiddle = (isTime: () => boolean): Trouble => async (answer, gateway) => {
  const response = await gateway();
  const body = Buffer.from(await response.arrayBuffer());
  answer.writeHead(response.status, { 'content-length': body.length });
  answer.write(body.subarray(0, body.length / 2));
  while (!isTime()) {
    await new Promise(resolve => setTimeout(resolve, 10));
  }
  answer.destroy();
};

/** Refuse for a second. */
export const unavailable: Trouble = async answer => {
  answer.writeHead(503, { 'retry-after': '1' }).end('upstream connect error');
};

/** A relay, and the requests that it got. */
export interface Relay {
  url: string;
  requests: IncomingMessage[];
  close: () => void;
}

/** Start a relay. Each request meets the next trouble; further requests pass. */
export async function relayTo(gateway: string, ...troubles: (Trouble | undefined)[]): Promise<Relay> {
  const requests: IncomingMessage[] = [];
  const server = createServer(async (request, answer) => {
    requests.push(request);
    const ask = async () => {
      const body = Buffer.concat(await Array.fromAsync(request));
      const headers = Object.entries(request.headers).filter(([name]) => !HOPS.has(name)) as [string, string][];
      return fetch(gateway + request.url, { method: request.method, headers, body: body.length ? body : undefined });
    };
    await (troubles.shift() ?? passed)(answer, ask);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, requests, close: () => server.close() };
}

const HOPS = new Set(['connection', 'content-length', 'host', 'transfer-encoding', 'accept-encoding']);

const passed: Trouble = async (answer, gateway) => {
  const response = await gateway();
  const headers = [...response.headers].filter(([name]) => !HOPS.has(name) && name !== 'content-encoding');
  answer.writeHead(response.status, Object.fromEntries(headers)).end(Buffer.from(await response.arrayBuffer()));
};
