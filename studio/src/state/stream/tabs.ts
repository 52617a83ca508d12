/**
 * One stream a browser: the tab that holds a Web Lock reads the stream, and tells the others by a BroadcastChannel.
 *
 * A browser without Web Locks (a page without https) reads one stream a tab.
 */
import type { GenerationEvent } from '../../api/schemas';
import { follow, type Listener } from './connection';

export type State = 'live' | 'away';

export interface Hearer {
  onEvent: (event: GenerationEvent) => void;
  /** The stream is open (also anew), or away. */
  onState: (state: State) => void;
}

type Word =
  | { word: 'event'; event: GenerationEvent; position: string | null }
  | { word: 'state'; state: State; position: string | null }
  | { word: 'alive'; position: string | null }
  | { word: 'hello' };

/** The leading tab says each 15 s that it lives. After this time without a word, a tab that somebody sees takes over. */
const SILENCE = 50_000;

/** Hear the events of everything under this name, until the signal ends it. */
export function hear(name: string, hearer: Hearer, signal: AbortSignal): void {
  new Tab(name, hearer, signal).begin();
}

class Tab {
  #position: string | null = null;
  #state: State | null = null;
  #isLeading = false;
  #heardAt = Date.now();
  readonly #channel: BroadcastChannel;

  constructor(
    readonly name: string,
    readonly hearer: Hearer,
    readonly signal: AbortSignal,
  ) {
    this.#channel = new BroadcastChannel(name);
  }

  begin(): void {
    const { signal } = this;
    this.#channel.onmessage = ({ data }: MessageEvent<Word>) => this.#hear(data);
    this.#say({ word: 'hello' });
    const watch = setInterval(() => this.#takeOverFromTheSilent(), 5000);
    signal.addEventListener('abort', () => {
      clearInterval(watch);
      this.#channel.close();
    });
    if ('locks' in navigator) void this.#lead(false);
    else void this.#read(signal);
  }

  /** Lead as soon as no other tab does; at once with `steal`. */
  async #lead(steal: boolean): Promise<void> {
    const { signal, name } = this;
    const ending = new AbortController();
    const end = () => ending.abort();
    signal.addEventListener('abort', end);
    try {
      // A lock that is stolen cannot have a signal.
      await navigator.locks.request(name, steal ? { steal } : { signal }, () => this.#read(ending.signal));
    } catch {
      // Another tab took the lead, or the signal ended the wait.
    }
    ending.abort();
    signal.removeEventListener('abort', end);
    this.#isLeading = false;
    this.#heardAt = Date.now();
    if (!signal.aborted && !steal) void this.#lead(false);
  }

  async #read(signal: AbortSignal): Promise<void> {
    this.#isLeading = true;
    const tell = (word: Word, own: () => void) => {
      this.#say(word);
      own();
    };
    const listener: Listener = {
      position: this.#position,
      onEvent: (event) => tell({ word: 'event', event, position: listener.position }, () => this.hearer.onEvent(event)),
      onOpen: () => tell({ word: 'state', state: 'live', position: listener.position }, () => this.#moveTo('live')),
      onAway: () => tell({ word: 'state', state: 'away', position: listener.position }, () => this.#moveTo('away')),
      onAlive: () => {
        this.#position = listener.position;
        this.#say({ word: 'alive', position: listener.position });
      },
    };
    await follow(listener, signal);
    // The server refuses for good: keep the lead, so that the other tabs do not ask in turn.
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
  }

  #hear(word: Word): void {
    if (word.word === 'hello') {
      if (this.#isLeading && this.#state) this.#say({ word: 'state', state: this.#state, position: this.#position });
      return;
    }
    // Without locks, other tabs read streams of their own.
    if (this.#isLeading) return;
    this.#heardAt = Date.now();
    this.#position = word.position ?? this.#position;
    if (word.word === 'event') this.hearer.onEvent(word.event);
    if (word.word === 'state') this.#moveTo(word.state);
  }

  #moveTo(state: State): void {
    this.#state = state;
    this.hearer.onState(state);
  }

  #takeOverFromTheSilent(): void {
    const isSilent = Date.now() - this.#heardAt > SILENCE;
    if (isSilent && !this.#isLeading && document.visibilityState === 'visible' && 'locks' in navigator) void this.#lead(true);
  }

  #say(word: Word): void {
    if (!this.signal.aborted) this.#channel.postMessage(word);
  }
}
