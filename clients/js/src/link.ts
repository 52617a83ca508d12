import { ConnectionFailed, errorOf, isTransient, type ApiError } from './errors.js';

const FIRST_PAUSE = 0.5;
const LONGEST_PAUSE = 8;

/** Settings of a client. */
export interface Settings {
  /** The address of the gateway. */
  url: string;
  /** An API key. In a web page, everybody can read the key: give the page a key with a small daily cap. */
  apiKey: string;
  /** The customer for whom a key of a service acts. */
  customerId?: string;
  /** Seconds without a byte after which a connection counts as lost. Default: 30. */
  timeout?: number;
  /** Seconds for which a request is repeated, from its first trouble on. 0: never. Default: 60. */
  retryFor?: number;
  /** Sends the requests in place of the global `fetch`. */
  fetch?: typeof globalThis.fetch;
}

/** A request, without the address and the headers that all requests of a client share. */
export interface Request {
  method: string;
  path: string;
  query?: object;
  headers?: Record<string, string>;
  json?: unknown;
  body?: BodyInit;
  /** Seconds without a byte after which the connection counts as lost. */
  timeout?: number;
  /** Whether the request may be sent again after its answer was lost. Default: true. */
  isRepeatable?: boolean;
  signal?: AbortSignal;
}

/** The way to the gateway. */
export class Link {
  readonly timeout: number;
  private readonly url: string;
  private readonly headers: Record<string, string>;
  private readonly retryFor: number;
  private readonly fetch: typeof globalThis.fetch;

  constructor(settings: Settings) {
    this.url = settings.url.replace(/\/+$/, '');
    this.headers = { authorization: `Bearer ${settings.apiKey}` };
    if (settings.customerId) {
      this.headers['x-customer-id'] = settings.customerId;
    }
    this.timeout = settings.timeout ?? 30;
    this.retryFor = settings.retryFor ?? 60;
    this.fetch = settings.fetch ?? globalThis.fetch.bind(globalThis);
  }

  /** The successful response to a request, after as many tries as needed. Throws `ApiError` or `ConnectionFailed`. */
  async send(request: Request): Promise<Response> {
    const retries = this.retries(request.signal);
    for (;;) {
      try {
        return await this.try(request);
      } catch (trouble) {
        if (request.isRepeatable === false) {
          throw trouble;
        }
        await retries.pauseAfter(trouble);
      }
    }
  }

  /** The response of one try, whose body is read. */
  private async try(request: Request): Promise<Response> {
    const watch = new Watch(request.timeout ?? this.timeout, request.signal);
    try {
      const response = await this.open(request, watch);
      const bytes = await watch.during(response.arrayBuffer());
      return new Response(bytes.byteLength ? bytes : null, response);
    } finally {
      watch.end();
    }
  }

  /** The successful response of one try, whose body is still to be read. */
  async open(request: Request, watch: Watch): Promise<Response> {
    const headers: Record<string, string> = { ...this.headers, ...request.headers };
    let body = request.body;
    if (request.json !== undefined) {
      headers['content-type'] = 'application/json';
      body = JSON.stringify(request.json);
    }
    const url = this.url + request.path + queryOf(request.query);
    const { method } = request;
    const sent = this.fetch(url, { method, headers, body, cache: 'no-store', signal: watch.signal });
    const response = await watch.during(sent);
    if (!response.ok) {
      throw await watch.during(errorOf(response));
    }
    return response;
  }

  /** The pauses between the tries of a request. */
  retries(signal?: AbortSignal): Retries {
    return new Retries(this.retryFor, signal);
  }
}

/** Aborts a request that gets no byte for some time, or that the program aborts. */
export class Watch {
  private readonly controller = new AbortController();
  private timer?: ReturnType<typeof setTimeout>;
  private readonly abort = () => this.controller.abort(this.outer?.reason);

  constructor(
    private readonly seconds: number,
    private readonly outer?: AbortSignal,
  ) {
    outer?.addEventListener('abort', this.abort);
    if (outer?.aborted) {
      this.abort();
    }
  }

  /** Aborts the request. */
  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** The result of a wait for bytes. Throws `ConnectionFailed` if the connection is lost. */
  async during<T>(wait: Promise<T>): Promise<T> {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.controller.abort(), this.seconds * 1000);
    try {
      return await wait;
    } catch (error) {
      this.outer?.throwIfAborted();
      throw new ConnectionFailed(this.signal.aborted ? `no byte for ${this.seconds} s` : String(error), {
        cause: error,
      });
    } finally {
      clearTimeout(this.timer);
    }
  }

  /** End the request, whatever its state. */
  end(): void {
    this.outer?.removeEventListener('abort', this.abort);
    this.controller.abort();
  }
}

/** The pauses between the tries of a request. */
export class Retries {
  private tries = 0;
  private endsAt?: number;

  constructor(
    private readonly seconds: number,
    private readonly signal?: AbortSignal,
  ) {}

  /** Wait before the next try. Throws the trouble if it is final, or has lasted too long. */
  async pauseAfter(trouble: unknown, least = 0): Promise<void> {
    if (!isTransient(trouble)) {
      throw trouble;
    }
    this.endsAt ??= now() + this.seconds;
    const usual = Math.min(FIRST_PAUSE * 2 ** this.tries, LONGEST_PAUSE) * (0.5 + Math.random() / 2);
    const pause = Math.max((trouble as ApiError).retryAfter ?? 0, usual, least);
    if (now() + pause > this.endsAt) {
      throw trouble;
    }
    this.tries += 1;
    await sleep(pause, this.signal);
  }
}

/** Seconds of a clock that never goes back. */
export function now(): number {
  return performance.now() / 1000;
}

/** Wait. Throws the reason of the signal if it aborts. */
export async function sleep(seconds: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort);
      resolve();
    }, seconds * 1000);
    signal?.addEventListener('abort', abort, { once: true });
  });
}

function queryOf(query: object = {}): string {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    [value].flat().flatMap(each => (each === undefined ? [] : [[name, String(each)]])),
  );
  return pairs.length ? `?${new URLSearchParams(pairs)}` : '';
}
