import { ByteWriter } from './byte_writer.ts';

const LF = 0x0a;
const COLON = 0x3a;
const COMMA = 0x2c;

const decoder = new TextDecoder();

/** What a line of a block begins with. */
type Field = 'event' | 'data' | 'id' | 'other';
const FIELDS: readonly string[] = ['event', 'data', 'id'];

/**
 * Makes one JSON document out of the blocks of a stream in `format=json`, wherever they are cut:
 * `{"records":[...],"gaps":[...],"id":"..."}`. It holds no record, however large: of those each line
 * is handed on as it comes.
 */
export class DocumentWriter {
  /** The id that came last. */
  id = '';
  /** Records and gaps. */
  events = 0;
  /** Whether it began anew after something of it had come: then its records are not of one piece. */
  isBroken = false;
  #records = 0;
  readonly #gaps: string[] = [];
  /** Those of which there were some: each topic begins anew by itself. */
  readonly #gapTopics = new Set<string>();
  /** Of the block under way. */
  #event = 'message';
  #hasData = false;
  /** Of the line under way; `null` before its field is known. */
  #field: Field | null = null;
  /** What came of a line that has to be whole first. */
  #line = '';
  /** The beginning of a line whose field is not whole. */
  #rest: Uint8Array = new Uint8Array(0);

  /** @returns what the document has of them; a copy, empty where that is nothing */
  write(blocks: Uint8Array): Uint8Array {
    const bytes = this.#rest.length === 0 ? blocks : joined(this.#rest, blocks);
    this.#rest = new Uint8Array(0);
    const out = new ByteWriter(bytes.length);
    let at = 0;
    while (at < bytes.length) {
      if (this.#field === null) {
        if (bytes[at] === LF) {
          this.#event = 'message';
          this.#hasData = false;
          at++;
          continue;
        }
        const colon = bytes.indexOf(COLON, at);
        if (colon < 0) {
          this.#rest = bytes.slice(at);
          break;
        }
        this.#begin(decoder.decode(bytes.subarray(at, colon)), out);
        at = colon + 1;
      }
      const end = bytes.indexOf(LF, at);
      this.#take(bytes.subarray(at, end < 0 ? bytes.length : end), out);
      if (end < 0) break;
      this.#end();
      at = end + 1;
    }
    return out.copy();
  }

  /** The rest of a document that is whole. */
  end(): Uint8Array {
    const out = new ByteWriter(256);
    if (this.#records === 0) out.text('{"records":[');
    out.text(']');
    if (this.#gaps.length > 0) out.text(`,"gaps":[${this.#gaps.join(',')}]`);
    out.text(`,"id":"${this.id}"}`);
    return out.copy();
  }

  /** Whether nothing came for its reader, neither a record nor a gap. */
  get isEmpty(): boolean {
    return this.events === 0;
  }

  get #isRecord(): boolean {
    return !['gap', 'live', 'place', 'stale', 'fresh'].includes(this.#event);
  }

  #begin(name: string, out: ByteWriter): void {
    this.#field = FIELDS.includes(name) ? (name as Field) : 'other';
    this.#line = '';
    if (this.#field !== 'data' || !this.#isRecord) return;
    // The next line of the same object: JSON takes a line end there.
    if (this.#hasData) {
      out.byte(LF);
      return;
    }
    this.#hasData = true;
    if (this.#records++ === 0) out.text('{"records":[');
    else out.byte(COMMA);
    this.events++;
  }

  #take(part: Uint8Array, out: ByteWriter): void {
    if (this.#field === 'data' && this.#isRecord) out.bytes(part);
    else this.#line += decoder.decode(part);
  }

  #end(): void {
    if (this.#field === 'event') this.#event = this.#line;
    else if (this.#field === 'id') this.id = this.#line;
    else if (this.#field === 'data' && this.#event === 'gap') this.#takeGap();
    this.#field = null;
  }

  #takeGap(): void {
    const { reason, topic } = JSON.parse(this.#line) as { reason: string; topic: string };
    const hasBegun = this.#records > 0 || this.#gapTopics.has(topic);
    if (hasBegun && reason !== 'retention') this.isBroken = true;
    this.#gapTopics.add(topic);
    this.events++;
    this.#gaps.push(this.#line);
  }
}

function joined(one: Uint8Array, other: Uint8Array): Uint8Array {
  const both = new Uint8Array(one.length + other.length);
  both.set(one);
  both.set(other, one.length);
  return both;
}
