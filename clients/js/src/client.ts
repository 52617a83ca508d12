import { GenerationFailed, WaitTimeout } from './errors.js';
import { follow, type FollowOptions } from './follow.js';
import { Link, now, sleep, type Request, type Settings } from './link.js';
import type {
  Batch,
  BatchOrder,
  Estimate,
  Filters,
  Generation,
  GenerationEvent,
  Me,
  Model,
  Order,
  Outputs,
  Page,
  Queue,
  Share,
  Upload,
} from './types.js';

/** Seconds that the gateway holds a request open at most. */
const LONGEST_WAIT = 60;

/** Seconds between two reads, where the gateway does not wait. */
const POLL = 2;

/** Options of every request. */
export interface CallOptions {
  /** Ends the request: the call throws the reason of the signal. */
  signal?: AbortSignal;
}

/** Options of an order. */
export interface OrderOptions extends CallOptions {
  /** The same key and order give the same generation. Default: a new key. */
  idempotencyKey?: string;
}

/** Options of a wait. */
export interface WaitOptions extends CallOptions {
  /** Seconds after which `WaitTimeout` is thrown. The generation then goes on. */
  timeout?: number;
  /** Gets each event. */
  onProgress?: (event: GenerationEvent) => void;
}

/** A client of the HTTP API. */
export class Reelworks {
  /** The way to the gateway. */
  readonly link: Link;

  constructor(settings: Settings) {
    this.link = new Link(settings);
  }

  /** Order an image or a video; the generation, which has only begun. */
  order(order: Order, options: OrderOptions = {}): Promise<Generation> {
    return this.post('/v1/generations', order, options, keyOf(options));
  }

  /** Order an image or a video, and wait for the result. Throws `GenerationFailed` if there is none. */
  async generate(order: Order, options: OrderOptions & WaitOptions = {}): Promise<Generation> {
    const began = now();
    const { id } = await this.order(order, options);
    const timeout = options.timeout && Math.max(options.timeout - (now() - began), 0);
    const generation = await this.wait(id, { ...options, timeout });
    if (generation.status !== 'completed') {
      throw new GenerationFailed(generation);
    }
    return generation;
  }

  /** Waits until the generation has ended, and returns it. */
  async wait(id: string, { timeout = Infinity, onProgress, signal }: WaitOptions = {}): Promise<Generation> {
    const endsAt = now() + timeout;
    const left = () => Math.max(endsAt - now(), 0);
    if (onProgress) {
      await this.tell(id, onProgress, timeout, signal);
    }
    for (;;) {
      const seconds = Math.floor(Math.min(left(), LONGEST_WAIT));
      const response = await this.link.send({
        method: 'GET',
        path: `/v1/generations/${id}`,
        headers: seconds ? { prefer: `wait=${seconds}` } : {},
        timeout: this.link.timeout + seconds,
        signal,
      });
      const generation = (await response.json()) as Generation;
      if (hasEnded(generation)) {
        return generation;
      }
      if (!left()) {
        throw new WaitTimeout(id, timeout);
      }
      if (!response.headers.has('preference-applied')) {
        await sleep(Math.min(POLL, left()), signal);
      }
    }
  }

  /** A generation as it is now. */
  generation(id: string, options: CallOptions = {}): Promise<Generation> {
    return this.get(`/v1/generations/${id}`, options);
  }

  /** All generations that the filters find, newest first. Reads page by page. */
  generations(filters: Filters = {}, options: CallOptions = {}): AsyncGenerator<Generation, void, void> {
    return this.items<Generation>('/v1/generations', filters, options);
  }

  /** All entries of any list of the API, such as `/v1/credits/transfers`. Reads page by page. */
  async *items<T>(path: string, query: object = {}, options: CallOptions = {}): AsyncGenerator<T, void, void> {
    let cursor: string | null | undefined;
    do {
      const page: Page<T> = await this.get(path, options, { ...query, cursor: cursor ?? undefined });
      yield* page.data;
      cursor = page.has_more ? page.next_cursor : null;
    } while (cursor);
  }

  /** The events of a generation, from the first or from the one after `after`, to the end. */
  events(id: string, options: FollowOptions = {}): AsyncGenerator<GenerationEvent, void, void> {
    return follow(this.link, `/v1/generations/${id}/events`, options);
  }

  /** The events of all generations, without an end. Keep the `id` of the last one, and go on with `after`. */
  allEvents(options: FollowOptions = {}): AsyncGenerator<GenerationEvent, void, void> {
    return follow(this.link, '/v1/events', { ...options, isEndless: true });
  }

  /** Cancel a generation. `wait` for its end: a provider may have to stop first. */
  cancel(id: string, options: CallOptions = {}): Promise<Generation> {
    return this.post(`/v1/generations/${id}/cancel`, undefined, options);
  }

  /** Order the same once more; the new generation. */
  retry(id: string, options: OrderOptions = {}): Promise<Generation> {
    return this.post(`/v1/generations/${id}/retry`, undefined, options, keyOf(options));
  }

  /** Make the video of a preview that is completed; the video. A preview has one: a second call returns it. */
  continuePreview(id: string, options: OrderOptions = {}): Promise<Generation> {
    return this.post(`/v1/generations/${id}/continue`, undefined, options, keyOf(options));
  }

  /** Delete a generation that has ended, with its files and texts, for ever. */
  async delete(id: string, { signal }: CallOptions = {}): Promise<void> {
    await this.link.send({ method: 'DELETE', path: `/v1/generations/${id}`, signal });
  }

  /** The price and the usual time of an order. */
  estimate(order: Outputs, options: CallOptions = {}): Promise<Estimate> {
    return this.post('/v1/estimate', order, options);
  }

  /** Your unfinished generations by model, before and at the providers. */
  queue(options: CallOptions = {}): Promise<Queue> {
    return this.get('/v1/queue', options);
  }

  /** Order several generations together: all of them are accepted, or none. */
  orderBatch(order: BatchOrder, options: OrderOptions = {}): Promise<Batch> {
    return this.post('/v1/batches', order, options, keyOf(options));
  }

  /** A batch as it is now, with all its generations. */
  batch(id: string, options: CallOptions = {}): Promise<Batch> {
    return this.get(`/v1/batches/${id}`, options);
  }

  /** The batch after the end of all its generations. Throws `WaitTimeout` after `timeout` seconds. */
  async waitForBatch(id: string, { timeout = Infinity, signal }: WaitOptions = {}): Promise<Batch> {
    const endsAt = now() + timeout;
    for (;;) {
      const batch = await this.batch(id, { signal });
      const left = endsAt - now();
      if (batch.finished_at) {
        return batch;
      }
      if (left <= 0) {
        throw new WaitTimeout(id, timeout);
      }
      await sleep(Math.min(POLL, left), signal);
    }
  }

  /** Cancel the generations of a batch that have not ended. */
  cancelBatch(id: string, options: CallOptions = {}): Promise<Batch> {
    return this.post(`/v1/batches/${id}/cancel`, undefined, options);
  }

  /** Store a file. Orders name the file by its `url`. */
  async upload(file: Blob | Uint8Array<ArrayBuffer> | ArrayBuffer, { signal }: CallOptions = {}): Promise<Upload> {
    const response = await this.link.send({ method: 'POST', path: '/v1/uploads', body: file, signal });
    return (await response.json()) as Upload;
  }

  /** The bytes of the result, or of the variant with this name; of `hls` and `sprites`, the text that leads into the media. */
  async content(id: string, { variant, signal }: CallOptions & { variant?: string } = {}): Promise<Blob> {
    const path = `/v1/generations/${id}/content`;
    const response = await this.link.send({ method: 'GET', path, query: { variant }, signal });
    return response.blob();
  }

  /** Make a public link to a result, which ends after `expiresIn` seconds. */
  async share(id: string, { expiresIn, signal }: CallOptions & { expiresIn?: number } = {}): Promise<Share> {
    const path = `/v1/generations/${id}/shares`;
    const json = { expires_in: expiresIn };
    const response = await this.link.send({ method: 'POST', path, json, isRepeatable: false, signal });
    return (await response.json()) as Share;
  }

  /** The customer for whom the key acts, and the credits. */
  me(options: CallOptions = {}): Promise<Me> {
    return this.get('/v1/me', options);
  }

  /** The models that the customer can order. */
  async models(options: CallOptions = {}): Promise<Model[]> {
    return (await this.get<Page<Model>>('/v1/models', options)).data;
  }

  /** Send any request of the API; the JSON of the answer. Only GET, PUT and DELETE are repeated by themselves. */
  async request(request: Request): Promise<unknown> {
    const isRepeatable = ['GET', 'PUT', 'DELETE'].includes(request.method.toUpperCase());
    const response = await this.link.send({ isRepeatable, ...request });
    const text = await response.text();
    return text ? JSON.parse(text) : null;
  }

  private async get<T>(path: string, { signal }: CallOptions, query?: object): Promise<T> {
    return (await this.link.send({ method: 'GET', path, query, signal })).json() as Promise<T>;
  }

  private async post<T>(
    path: string,
    json: unknown,
    { signal }: CallOptions,
    headers: Record<string, string> = {},
  ): Promise<T> {
    return (await this.link.send({ method: 'POST', path, json, headers, signal })).json() as Promise<T>;
  }

  /** Tell the events of a generation, until its end or for so many seconds. */
  private async tell(
    id: string,
    onProgress: (event: GenerationEvent) => void,
    seconds: number,
    signal?: AbortSignal,
  ): Promise<void> {
    const ends = new AbortController();
    const timer = seconds === Infinity ? undefined : setTimeout(() => ends.abort(), seconds * 1000);
    const either = signal ? AbortSignal.any([signal, ends.signal]) : ends.signal;
    try {
      for await (const event of this.events(id, { signal: either })) {
        onProgress(event);
      }
    } catch (error) {
      signal?.throwIfAborted();
      if (!ends.signal.aborted) {
        throw error;
      }
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Whether the status is final. */
export function hasEnded({ status }: { status: string }): boolean {
  return ['completed', 'failed', 'cancelled'].includes(status);
}

/** The header that makes an order repeatable. `crypto.randomUUID` exists on pages with HTTPS only. */
function keyOf({ idempotencyKey }: OrderOptions): Record<string, string> {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const random = Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('');
  return { 'idempotency-key': idempotencyKey ?? random };
}
