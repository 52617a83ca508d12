/** Reads server-sent events of one connection, by the rules of the HTML standard. */
export class Messages {
  /** The pause before the next connection, as the server asks for. */
  retrySeconds?: number;

  private readonly decoder = new TextDecoder();
  private rest = '';
  private data: string[] = [];
  private id: string;

  constructor(
    /** The id to resume from. */
    public lastId = '',
  ) {
    this.id = lastId;
  }

  /** The data of the messages that these bytes complete. */
  feed(piece: Uint8Array): string[] {
    const text = this.rest + this.decoder.decode(piece, { stream: true });
    // A carriage return at the end may be half of a line's end.
    const lines = text.split(/\r\n|\n|\r(?=[^])/);
    this.rest = lines.pop() ?? '';
    return lines.map(line => this.read(line)).filter(data => data !== undefined);
  }

  private read(line: string): string | undefined {
    if (!line) {
      return this.complete();
    }
    const [, name, value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
    if (name === 'data') {
      this.data.push(value);
    } else if (name === 'id') {
      this.id = value;
    } else if (name === 'retry' && /^\d+$/.test(value)) {
      this.retrySeconds = Number(value) / 1000;
    }
    return undefined;
  }

  private complete(): string | undefined {
    this.lastId = this.id;
    const data = this.data.splice(0);
    return data.length ? data.join('\n') : undefined;
  }
}
