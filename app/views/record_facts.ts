import type { Scope } from '../expressions/expression.ts';
import { ERROR, field as fieldIn, isExact, spend, type Value } from '../expressions/values.ts';
import type { KafkaRecord } from '../ports/source.ts';
import type { ReadValue, ValueReader } from '../ports/values.ts';

/** What of a record can be looked up: its key, the last header of a name, or what lies in its value. */
export type Field = 'key' | `header:${string}` | `value:${string}`;

const VALUE_PREFIX = 'value:';
/** Between the names of a path in the value; a path with a name that has one in it is no field. */
const SEPARATOR = '\0';

/** What filters have looked at until now. */
export { workDone } from '../expressions/values.ts';

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

/** The field of what lies in the value along these names; `null` where it cannot be one. */
export function valueField(names: readonly string[]): Field | null {
  if (names.some((name) => name.includes(SEPARATOR))) return null;
  return `${VALUE_PREFIX}${names.join(SEPARATOR)}`;
}

export function isOfValue(field: Field): boolean {
  return field.startsWith(VALUE_PREFIX);
}

/**
 * What JSON can hold as a text that can be a key of a `Map`: that of two values is the same where
 * they are equal, and its first character tells their kind. `null` for what cannot be told.
 */
export function valueText(value: Value): string | null {
  switch (typeof value) {
    case 'string':
      return `"${value.length > MAX_FIELD_BYTES ? value.slice(0, MAX_FIELD_BYTES + 1) : value}`;
    // As zero below zero is zero here, too.
    case 'number':
      return isExact(value) ? `#${value}` : null;
    case 'boolean':
      return `?${value}`;
    case 'object':
      return value === null ? NULL_TEXT : '{';
    default:
      return null;
  }
}

/** That of null, which is compared with all. */
export const NULL_TEXT = 'null';

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
  readonly #values: ValueReader | null;
  #key: string | null | undefined;
  #texts: Map<Field, string | null> | undefined;
  #scope: Scope | undefined;
  #value: Value;
  /** What the value lacks to be read later, as far as it was asked for. */
  #lacks: ReadValue['lacks'];

  /** @param values reads its value; `null`: that is JSON as it stands, or nothing that is looked into */
  constructor(record: KafkaRecord, values: ValueReader | null) {
    this.record = record;
    this.#values = values;
  }

  /** What expressions may ask for, by the names that they have. */
  get scope(): Scope {
    this.#scope ??= new RecordScope(this) as unknown as Scope;
    return this.#scope;
  }

  /** The JSON of its value; `ERROR` where it has none that can be told. */
  get value(): Value {
    if (this.#value === undefined) this.#value = this.#parsed();
    return this.#value;
  }

  /** Whether the value was asked for and is not known: its schema could not be had. */
  get isUnread(): boolean {
    return this.#lacks === 'answer';
  }

  /** Whether another value may be found here later. */
  get mayChange(): boolean {
    return this.#lacks !== undefined;
  }

  /** A field as a text; `null` where the record has none, or one that no filter can name. */
  text(field: Field): string | null {
    if (field === 'key') {
      if (this.#key === undefined) this.#key = textOf(this.record.key);
      return this.#key;
    }
    this.#texts ??= new Map();
    let text = this.#texts.get(field);
    if (text === undefined) {
      text = isOfValue(field)
        ? valueText(valueAt(this.value, field))
        : textOf(fieldBytes(this.record, field));
      this.#texts.set(field, text);
    }
    return text;
  }

  #parsed(): Value {
    const { value, headers } = this.record;
    if (value === null) return null;
    if (value.length > MAX_TEXT_BYTES) return ERROR;
    spend(value.length);
    let json: Uint8Array | null = value;
    if (this.#values?.isBinary === true) {
      const read = this.#values.read(value, headers);
      json = read.json;
      this.#lacks = read.lacks;
    }
    const text = json === null ? ERROR : utf8(json);
    try {
      return typeof text === 'string' ? JSON.parse(text) : ERROR;
    } catch {
      return ERROR;
    }
  }
}

function valueAt(value: Value, field: Field): Value {
  const names = field.slice(VALUE_PREFIX.length);
  if (names === '') return value;
  return names.split(SEPARATOR).reduce<Value>(fieldIn, value);
}

/** Worked out when it is asked for: most expressions ask for one of them. */
class RecordScope {
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly #facts: RecordFacts;
  #key: unknown;
  #headers: unknown;

  constructor(facts: RecordFacts) {
    this.partition = facts.record.partition;
    this.offset = facts.record.offset;
    this.timestamp = facts.record.timestamp;
    this.#facts = facts;
  }

  get key(): unknown {
    const { key } = this.#facts.record;
    if (this.#key === undefined) this.#key = key === null ? null : utf8(key);
    return this.#key;
  }

  get headers(): unknown {
    this.#headers ??= headersOf(this.#facts.record);
    return this.#headers;
  }

  get value(): unknown {
    return this.#facts.value;
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
