import { ConnectionFailed } from './errors.js';
import { Watch, now, type Link } from './link.js';
import { Messages } from './sse.js';
import type { GenerationEvent } from './types.js';

/** Seconds without a byte after which a stream is dead. A heartbeat comes every 15. */
const SILENCE = 60;

/** Seconds after which a connection counts as good, also without an event. */
const STEADY = 10;

const NO_CONTENT = 204;

/** Options of a stream. */
export interface FollowOptions {
  /** The id of the last known event. */
  after?: string;
  /** Ends the stream: the iteration throws the reason of the signal. */
  signal?: AbortSignal;
}

/** The events of a stream. After a lost connection, the stream resumes with the next event. */
export async function* follow(
  link: Link,
  path: string,
  { after, signal, isEndless = false }: FollowOptions & { isEndless?: boolean },
): AsyncGenerator<GenerationEvent, void, void> {
  let messages = new Messages(after);
  let retries = link.retries(signal);
  for (;;) {
    // A message that was cut comes again, whole.
    messages = new Messages(messages.lastId);
    const [before, began] = [messages.lastId, now()];
    try {
      for await (const event of connection(link, path, messages, signal)) {
        if (!event) {
          return;
        }
        yield event;
        if (event.type === 'end' && !isEndless) {
          return;
        }
      }
      throw new ConnectionFailed(`the stream ${path} ended`);
    } catch (trouble) {
      if (messages.lastId !== before || now() - began > STEADY) {
        retries = link.retries(signal);
      }
      await retries.pauseAfter(trouble, messages.retrySeconds);
    }
  }
}

/** The events of one connection. null: the generation ended before the first event that the client does not know. */
async function* connection(
  link: Link,
  path: string,
  messages: Messages,
  signal?: AbortSignal,
): AsyncGenerator<GenerationEvent | null, void, void> {
  const headers: Record<string, string> = { accept: 'text/event-stream' };
  if (messages.lastId) {
    headers['last-event-id'] = messages.lastId;
  }
  const watch = new Watch(SILENCE, signal);
  try {
    const response = await link.open({ method: 'GET', path, headers }, watch);
    if (response.status === NO_CONTENT || !response.body) {
      yield null;
      return;
    }
    const reader = response.body.getReader();
    for (;;) {
      const { done, value } = await watch.during(reader.read());
      if (done) {
        return;
      }
      for (const data of messages.feed(value)) {
        yield JSON.parse(data) as GenerationEvent;
      }
    }
  } finally {
    watch.end();
  }
}
