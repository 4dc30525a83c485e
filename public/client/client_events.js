/** As a MessageEvent; `detail` is decoded only when somebody asks for it. */
export class StreamEvent extends MessageEvent {
  #isJson;
  #detail;

  constructor(type, init, isJson) {
    super(type, init);
    this.#isJson = isJson;
  }

  get detail() {
    this.#detail ??= detailOf(this.type, this.data, this.#isJson);
    return this.#detail;
  }
}

/** Characters of a block, far more than a record has: a server that ends none would fill the memory. */
const MAX_BLOCK = 2 ** 26;

/** Bytes in, blocks out, however they are cut; an id counts from the end of its block. */
export class BlockParser {
  // By itself Deno's takes a BOM away from the beginning of each chunk.
  #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  #isAtStart = true;
  #line = '';
  #endsWithCr = false;
  #length = 0;
  #data = [];
  #block = { type: 'message' };

  *feed(bytes) {
    let text = this.#decoder.decode(bytes, { stream: true });
    if (text === '') return;
    if (this.#isAtStart && text[0] === '\uFEFF') text = text.slice(1);
    this.#isAtStart = false;
    if (this.#endsWithCr && text[0] === '\n') text = text.slice(1);
    this.#endsWithCr = text.endsWith('\r');
    const lines = text.split(/\r\n|\n|\r/);
    lines[0] = this.#line + lines[0];
    this.#line = lines.pop();
    this.#length += text.length;
    for (const line of lines) {
      if (line !== '') {
        this.#take(line);
        continue;
      }
      const data = this.#data.length > 0 ? this.#data.join('\n') : null;
      yield { ...this.#block, data };
      this.#data = [];
      this.#block = { type: 'message' };
      this.#length = 0;
    }
    if (this.#length > MAX_BLOCK) throw new RangeError('The server sends a block without end');
  }

  #take(line) {
    const [, name, value] = /^([^:]*)(?:: ?)?(.*)$/s.exec(line);
    const block = this.#block;
    if (name === 'data') this.#data.push(value);
    if (name === 'event') block.type = value || 'message';
    if (name === 'id' && !value.includes('\0')) block.id = value;
    if (name === 'retry' && /^\d+$/.test(value)) block.retry = Number(value);
  }
}

function detailOf(type, data, isJson) {
  if (['gap', 'live', 'stale', 'fresh'].includes(type)) return JSON.parse(data);
  if (!isJson) return type === 'delete' ? { key: textOf(bytesOf(data)) } : null;
  const { keyBase64, valueBase64, headers = [], ...record } = JSON.parse(data);
  if (keyBase64 !== undefined) record.key = bytesOf(keyBase64);
  if (valueBase64 !== undefined) record.value = bytesOf(valueBase64);
  record.headers = headers.map(([name, value, base64]) => [name, base64 ? bytesOf(base64) : value]);
  return record;
}

function bytesOf(base64) {
  const binary = atob(base64.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

/** The bytes themselves where they are no UTF-8. */
function textOf(bytes) {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return bytes;
  }
}

/** As an EventSource has them: `onmessage` and so on, which are listened to where they are set. */
export function addHandlers(target, types) {
  for (const type of types) {
    target[`on${type}`] = null;
    target.addEventListener(type, (event) => target[`on${type}`]?.(event));
  }
}
