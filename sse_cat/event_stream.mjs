// @ts-nocheck for 5 kB; sse_cat/ has a copy.

/** Until a stream says another. */
const RETRY_MS = 1000;
/** For a crowd. */
const MAX_BACKOFF_MS = 30_000;
/** A timer of more than 24 days would end at once. */
const MAX_RETRY_MS = 3_600_000;
/** A stream that lasted so long was no failure. */
const HEALTHY_MS = 10_000;
/** Characters, far more than a record has. */
const MAX_BLOCK = 2 ** 26;

/** When to come back after a stream has ended. */
export class Comeback {
  /** By `retry:`. */
  retryMs = RETRY_MS;
  #maxBackoffMs;
  #failures = 0;
  #began = 0;
  #id = '';

  constructor(maxBackoffMs = MAX_BACKOFF_MS) {
    this.#maxBackoffMs = maxBackoffMs;
  }

  begin(id) {
    this.#began = Date.now();
    this.#id = id;
  }

  wait(id, askedMs = this.retryMs) {
    const hasWorked = id !== this.#id || Date.now() - this.#began > HEALTHY_MS;
    this.#failures = hasWorked ? 0 : this.#failures + 1;
    // Full jitter, on top of what the server asks for.
    const jitter = Math.random() * Math.min(this.#maxBackoffMs, RETRY_MS * 2 ** this.#failures);
    return Math.min(askedMs, MAX_RETRY_MS) + jitter;
  }
}

/** Seconds or a date. */
export function retryAfterMs(after) {
  const ms = /^\d+$/.test(after) ? after * 1000 : Date.parse(after) - Date.now();
  return ms >= 0 ? ms : undefined;
}

/** Bytes in, blocks out, however they are cut; an id counts from the end of its block. */
export class BlockParser {
  // By itself Deno's takes a BOM away from the beginning of each chunk.
  #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  #isAtStart = true;
  #endsWithCr = false;
  #line = '';
  #length = 0;
  #data = [];
  #block = { type: 'message', data: null };

  *feed(bytes) {
    let text = this.#decoder.decode(bytes, { stream: true });
    if (text === '') return;
    if (this.#isAtStart && text[0] === '\uFEFF') text = text.slice(1);
    this.#isAtStart = false;
    if (this.#endsWithCr && text[0] === '\n') text = text.slice(1);
    this.#endsWithCr = text.endsWith('\r');
    // By a string it is several times faster.
    const lines = text.split(text.includes('\r') ? /\r\n?|\n/ : '\n');
    lines[0] = this.#line + lines[0];
    this.#line = lines.pop();
    this.#length += text.length;
    for (const line of lines) {
      if (line !== '') {
        this.#take(line);
        continue;
      }
      const block = this.#block;
      if (this.#data.length > 0) block.data = this.#data.join('\n');
      this.#data = [];
      this.#block = { type: 'message', data: null };
      this.#length = 0;
      yield block;
    }
    if (this.#length > MAX_BLOCK) throw new RangeError('The server sends a block without end');
  }

  #take(line) {
    const colon = line.indexOf(':');
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + (line[colon + 1] === ' ' ? 2 : 1));
    if (name === 'data') this.#data.push(value);
    if (name === 'event') this.#block.type = value || 'message';
    if (name === 'id' && !value.includes('\0')) this.#block.id = value;
    if (name === 'retry' && /^\d+$/.test(value)) this.#block.retry = Number(value);
  }
}
