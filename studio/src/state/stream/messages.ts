/** Reads server-sent events from text that comes in pieces (WHATWG HTML, "Parsing an event stream"). */

export interface Message {
  /** The position of the stream after this message. Null: none was sent yet. */
  id: string | null;
  /** The text. Empty: the message tells only the position. */
  data: string;
}

export class MessageReader {
  #rest = '';
  #data: string[] = [];
  #id: string | null = null;
  #hasId = false;

  /** The messages that end in the next piece of text. */
  read(piece: string): Message[] {
    const lines = (this.#rest + piece).split(/\r\n|\n|\r/);
    this.#rest = lines.pop() ?? '';
    const messages: Message[] = [];
    for (const line of lines) {
      const message = line === '' ? this.#ended() : this.#take(line);
      if (message) messages.push(message);
    }
    return messages;
  }

  #take(line: string): null {
    const colon = line.indexOf(':');
    // A line that begins with a colon is a heartbeat.
    if (colon === 0) return null;
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (name === 'data') this.#data.push(value);
    if (name === 'id') {
      this.#id = value;
      this.#hasId = true;
    }
    return null;
  }

  #ended(): Message | null {
    const message = this.#data.length || this.#hasId ? { id: this.#id, data: this.#data.join('\n') } : null;
    this.#data = [];
    this.#hasId = false;
    return message;
  }
}
