import type { Scope } from '../expressions/expression.ts';
import { ERROR } from '../expressions/values.ts';
import type { KafkaRecord } from '../ports/source.ts';

/** What of a record can be looked up: its key, or the last header of a name. */
export type Field = 'key' | `header:${string}`;

/** Longer than any constant can be: the head of a request has at most 64 kB. */
const MAX_FIELD_BYTES = 65_536;
/** Some runtimes end a call with many more arguments. */
const MAX_ARGUMENTS = 4096;

/** What is larger is not looked into. */
const MAX_TEXT_BYTES = 2 ** 20;

// A BOM is the text's own.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const NO_BYTES: Uint8Array = new Uint8Array(0);

/**
 * Bytes as a text that can be a key of a `Map`: a code unit a byte, so that two texts are equal
 * where the bytes are, whether they are UTF-8 or not.
 */
export function byteText(bytes: Uint8Array): string {
  if (bytes.length <= MAX_ARGUMENTS) return String.fromCharCode.apply(null, bytes as never);
  let text = '';
  for (let at = 0; at < bytes.length; at += MAX_ARGUMENTS) {
    text += byteText(bytes.subarray(at, at + MAX_ARGUMENTS));
  }
  return text;
}

/** What `byteText` made a text of. */
export function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (unit) => unit.charCodeAt(0));
}

/** The bytes of a field; `null` where a record has none. A header without a value is empty. */
export function fieldBytes({ key, headers }: KafkaRecord, field: Field): Uint8Array | null {
  if (field === 'key') return key;
  const name = field.slice('header:'.length);
  const header = headers.findLast(([one]) => one === name);
  return header === undefined ? null : (header[1] ?? NO_BYTES);
}

/** What filters ask of one record, worked out once for all of them. */
export class RecordFacts {
  readonly record: KafkaRecord;
  #key: string | null | undefined;
  #headers: Map<Field, string | null> | undefined;
  #scope: Scope | undefined;

  constructor(record: KafkaRecord) {
    this.record = record;
  }

  /** What expressions may ask for, by the names that they have. */
  get scope(): Scope {
    this.#scope ??= new RecordScope(this.record) as unknown as Scope;
    return this.#scope;
  }

  /** A field as `byteText`; `null` where the record has none, or one that no filter can name. */
  text(field: Field): string | null {
    if (field === 'key') {
      if (this.#key === undefined) this.#key = textOf(this.record.key);
      return this.#key;
    }
    this.#headers ??= new Map();
    let text = this.#headers.get(field);
    if (text === undefined) {
      text = textOf(fieldBytes(this.record, field));
      this.#headers.set(field, text);
    }
    return text;
  }
}

/** Worked out when it is asked for: most expressions ask for one of them. */
class RecordScope {
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly #record: KafkaRecord;
  #key: unknown;
  #headers: unknown;

  constructor(record: KafkaRecord) {
    this.partition = record.partition;
    this.offset = record.offset;
    this.timestamp = record.timestamp;
    this.#record = record;
  }

  get key(): unknown {
    const { key } = this.#record;
    if (this.#key === undefined) this.#key = key === null ? null : utf8(key);
    return this.#key;
  }

  get headers(): unknown {
    this.#headers ??= headersOf(this.#record);
    return this.#headers;
  }
}

/** Of each name the last. */
function headersOf({ headers }: KafkaRecord): object {
  const map = Object.create(null) as Record<string, unknown>;
  for (const [name, value] of headers) map[name] = value === null ? '' : utf8(value);
  return map;
}

/** `ERROR` for what is no UTF-8. */
function utf8(bytes: Uint8Array): unknown {
  if (bytes.length > MAX_TEXT_BYTES) return ERROR;
  try {
    return decoder.decode(bytes);
  } catch {
    return ERROR;
  }
}

function textOf(bytes: Uint8Array | null): string | null {
  return bytes === null || bytes.length > MAX_FIELD_BYTES ? null : byteText(bytes);
}
