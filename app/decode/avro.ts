/**
 * Avro's binary form as JSON, by functions that are compiled from the schema that it was written
 * with: what comes out is written at once, and no object stands between.
 *
 * https://avro.apache.org/docs/1.12.0/specification/
 *
 * @module
 */

import type { JsonSchema, ValueSchema } from '../ports/values.ts';
import { AvroInput } from './avro_input.ts';
import { decimalText } from './decimal.ts';
import { anyOf, componentName, DOUBLE, enumOf, refTo, valueSchema } from './json_schema.ts';
import { JsonWriter, MAX_HELD_BYTES } from './json_writer.ts';
import { Malformed, maxJsonOf } from './malformed.ts';

/** A tree deeper than that is none that a person reads, and would end the stack. */
const MAX_DEPTH = 500;

/** Writes what comes next. */
type Write = (input: AvroInput, out: JsonWriter) => void;

/** A type: how its values are written, and what comes out. */
interface Type {
  readonly write: Write;
  readonly described: JsonSchema;
}

const encoder = new TextEncoder();
const NULL = encoder.encode('null');
const TRUE = encoder.encode('true');
const FALSE = encoder.encode('false');
const [COMMA, COLON] = [0x2c, 0x3a];
const [OPEN, CLOSE, OPEN_LIST, CLOSE_LIST] = [0x7b, 0x7d, 0x5b, 0x5d];

const out = new JsonWriter();

/** What a schema says of its values. */
export class AvroSchema {
  readonly schema: ValueSchema | null;
  readonly #write: Write;

  /**
   * @param text the schema as JSON
   * @param references schemas that it names types of, each behind those that it needs itself
   * @param name that of its component where it is described
   * @throws Error where it is no schema
   */
  constructor(text: string, references: readonly string[], name = 'schema') {
    const compiler = new Compiler(name);
    for (const reference of references) compiler.compile(JSON.parse(reference), '');
    const { write, described } = compiler.compile(JSON.parse(text), '');
    this.#write = write;
    this.schema = valueSchema(name, { [name]: described, ...compiler.components });
  }

  /**
   * @returns the JSON of a value, good until the next one
   * @throws Malformed where the bytes are no value of the schema
   */
  json(bytes: Uint8Array): Uint8Array {
    out.clear(MAX_HELD_BYTES);
    const input = new AvroInput(bytes, maxJsonOf(bytes));
    this.#write(input, out);
    if (input.left > 0) throw new Malformed(`${input.left} bytes are left over`);
    return out.view();
  }
}

const INTEGER = { type: 'integer' };
const BASE64 = { type: 'string', contentEncoding: 'base64' };
const DECIMAL = { type: 'string', format: 'decimal' };

const PRIMITIVES: ReadonlyMap<string, Type> = new Map<string, Type>([
  ['null', { described: { type: 'null' }, write: (_, out) => out.bytes(NULL) }],
  [
    'boolean',
    {
      described: { type: 'boolean' },
      write: (input, out) => out.bytes(input.boolean() ? TRUE : FALSE),
    },
  ],
  ['int', { described: INTEGER, write: (input, out) => out.ascii(String(input.int())) }],
  [
    'long',
    {
      described: { ...INTEGER, format: 'int64' },
      write: (input, out) => out.ascii(String(input.long())),
    },
  ],
  ['float', { described: DOUBLE, write: (input, out) => out.double(input.float()) }],
  ['double', { described: DOUBLE, write: (input, out) => out.double(input.double()) }],
  ['bytes', { described: BASE64, write: (input, out) => out.base64Text(input.bytes()) }],
  ['string', { described: { type: 'string' }, write: text }],
]);

type Json = null | boolean | number | string | readonly Json[] | JsonObject;
interface JsonObject {
  readonly [name: string]: Json | undefined;
}

class Compiler {
  /** What the named types are, by the names of their components. */
  readonly components: Record<string, JsonSchema> = {};
  readonly #named = new Map<string, Type>();
  readonly #of: string;

  /** @param of the component of the whole */
  constructor(of: string) {
    this.#of = of;
  }

  /** @param namespace that of the type around it */
  compile(schema: Json, namespace: string): Type {
    if (typeof schema === 'string') return PRIMITIVES.get(schema) ?? this.#find(schema, namespace);
    if (isList(schema)) return union(schema.map((branch) => this.compile(branch, namespace)));
    if (schema === null || typeof schema !== 'object') throw new Error('a type that is none');
    switch (schema['type']) {
      case 'record':
      case 'error':
        return this.#record(schema, namespace);
      case 'enum':
        return this.#enum(schema, namespace);
      case 'fixed':
        return this.#fixed(schema, namespace);
      case 'array': {
        const { write, described } = this.compile(schema['items'] ?? null, namespace);
        return { write: list(write), described: { type: 'array', items: described } };
      }
      case 'map': {
        const { write, described } = this.compile(schema['values'] ?? null, namespace);
        const additional = { type: 'object', additionalProperties: described };
        return { write: map(write), described: additional };
      }
      case 'bytes': {
        const scale = scaleOf(schema, Number.POSITIVE_INFINITY);
        if (scale === null) return PRIMITIVES.get('bytes')!;
        const write: Write = (input, out) => out.ascii(`"${decimalText(input.bytes(), scale)}"`);
        return { write, described: DECIMAL };
      }
      default:
        return this.compile(schema['type'] ?? null, namespace);
    }
  }

  #find(name: string, namespace: string): Type {
    const found = this.#named.get(fullName(name, namespace)) ?? this.#named.get(name);
    if (found === undefined) throw new Error(`no type ${name}`);
    return found;
  }

  #record(schema: JsonObject, namespace: string): Type {
    const name = nameOf(schema, namespace);
    // Its fields may be of its own type.
    let write: Write | null = null;
    const described = this.#noteNamed(name, (input, out) => write!(input, out));
    const fields = schema['fields'];
    if (fields === undefined || !isList(fields)) throw new Error(`no fields of ${name}`);
    const inside = name.slice(0, Math.max(0, name.lastIndexOf('.')));
    const properties: Record<string, JsonSchema> = Object.create(null);
    const members = fields.map((field, i) => {
      const said = field as JsonObject | null;
      const member = said?.['name'];
      if (typeof member !== 'string') throw new Error(`a field without a name in ${name}`);
      const start = encoder.encode(`${i === 0 ? '{' : ','}${JSON.stringify(member)}:`);
      const { write, described } = this.compile(said!['type'] ?? null, inside);
      properties[member] = described;
      return { start, write };
    });
    write = record(members);
    this.#named.set(name, { write, described });
    this.components[componentName(this.#of, name)] = {
      type: 'object',
      ...docOf(schema),
      properties,
      required: Object.keys(properties),
      additionalProperties: false,
    };
    return { write, described };
  }

  #enum(schema: JsonObject, namespace: string): Type {
    const symbols = schema['symbols'];
    if (symbols === undefined || !isList(symbols)) throw new Error('an enum without symbols');
    const texts = symbols.map((symbol) => encoder.encode(JSON.stringify(symbol)));
    const write: Write = (input, out) => {
      const text = texts[input.int()];
      if (text === undefined) throw new Malformed('a symbol that its enum has not');
      out.part(text, 0, text.length);
    };
    const name = nameOf(schema, namespace);
    this.components[componentName(this.#of, name)] = { ...docOf(schema), ...enumOf(symbols) };
    return { write, described: this.#noteNamed(name, write) };
  }

  #fixed(schema: JsonObject, namespace: string): Type {
    const size = schema['size'];
    if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
      throw new Error('a fixed without a size');
    }
    const scale = scaleOf(schema, Math.floor(Math.log10(2) * (8 * size - 1)));
    const write: Write = (input, out) => {
      const bytes = input.take(size);
      if (scale === null) out.base64Text(bytes);
      else out.ascii(`"${decimalText(bytes, scale)}"`);
    };
    const name = nameOf(schema, namespace);
    this.components[componentName(this.#of, name)] = scale === null ? BASE64 : DECIMAL;
    return { write, described: this.#noteNamed(name, write) };
  }

  #noteNamed(name: string, write: Write): JsonSchema {
    const described = refTo(componentName(this.#of, name));
    this.#named.set(name, { write, described });
    return described;
  }
}

function docOf({ doc }: JsonObject): object {
  return typeof doc === 'string' ? { description: doc } : {};
}

function text(input: AvroInput, out: JsonWriter): void {
  const begin = input.skipBytes();
  out.utf8(input.all, begin, input.at);
}

interface Member {
  /** What stands before its value: brace or comma, name and colon. */
  readonly start: Uint8Array;
  readonly write: Write;
}

function record(members: readonly Member[]): Write {
  return (input, out) => {
    if (++input.depth > MAX_DEPTH) throw new Malformed(`more than ${MAX_DEPTH} deep`);
    if (members.length === 0) out.byte(OPEN);
    for (const { start, write } of members) {
      input.checkRoom(out.length);
      out.part(start, 0, start.length);
      write(input, out);
    }
    out.byte(CLOSE);
    input.depth--;
  };
}

function union(branches: readonly Type[]): Type {
  const writes = branches.map(({ write }) => write);
  return {
    described: anyOf(branches.map(({ described }) => described)),
    write(input, out) {
      const write = writes[input.int()];
      if (write === undefined) throw new Malformed('a branch that its union has not');
      write(input, out);
    },
  };
}

function list(item: Write): Write {
  return blocks(OPEN_LIST, CLOSE_LIST, item);
}

function map(value: Write): Write {
  return blocks(OPEN, CLOSE, (input, out) => {
    text(input, out);
    out.byte(COLON);
    value(input, out);
  });
}

/** Avro writes lists and maps alike: blocks of so many entries, until one of none. */
function blocks(open: number, close: number, entry: Write): Write {
  return (input, out) => {
    if (++input.depth > MAX_DEPTH) throw new Malformed(`more than ${MAX_DEPTH} deep`);
    out.byte(open);
    let isFirst = true;
    for (let count = input.blockCount(); count > 0; count = input.blockCount()) {
      for (; count > 0; count--) {
        input.checkRoom(out.length);
        if (!isFirst) out.byte(COMMA);
        isFirst = false;
        entry(input, out);
      }
    }
    out.byte(close);
    input.depth--;
  };
}

/** The scale of a decimal; `null` where it is none, also where it is not a right one. */
function scaleOf(schema: JsonObject, maxPrecision: number): number | null {
  const { logicalType, precision, scale = 0 } = schema as Record<string, unknown>;
  if (logicalType !== 'decimal') return null;
  if (typeof precision !== 'number' || !Number.isSafeInteger(precision)) return null;
  if (typeof scale !== 'number' || !Number.isSafeInteger(scale)) return null;
  const isRight = precision > 0 && precision <= maxPrecision && scale >= 0 && scale <= precision;
  return isRight ? scale : null;
}

function nameOf({ name, namespace: own }: JsonObject, namespace: string): string {
  if (typeof name !== 'string') throw new Error('a type without a name');
  return fullName(name, typeof own === 'string' ? own : namespace);
}

function fullName(name: string, namespace: string): string {
  return name.includes('.') || namespace === '' ? name : `${namespace}.${name}`;
}

function isList(json: Json): json is readonly Json[] {
  return Array.isArray(json);
}
