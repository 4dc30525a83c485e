import {
  create,
  createFileRegistry,
  type DescMessage,
  type FileRegistry,
  fromBinary,
  toJsonString,
} from '@bufbuild/protobuf';
import {
  type DescriptorProto,
  type FieldDescriptorProto,
  FieldDescriptorProto_Type as FieldType,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  file_google_protobuf_any,
  file_google_protobuf_api,
  file_google_protobuf_descriptor,
  file_google_protobuf_duration,
  file_google_protobuf_empty,
  file_google_protobuf_field_mask,
  file_google_protobuf_source_context,
  file_google_protobuf_struct,
  file_google_protobuf_timestamp,
  file_google_protobuf_type,
  file_google_protobuf_wrappers,
} from '@bufbuild/protobuf/wkt';
import type { ValueSchema } from '../ports/values.ts';
import { AvroInput } from './avro_input.ts';
import { Malformed, maxJsonOf, TooLarge } from './malformed.ts';
import { jsonNameOf, parseProto } from './proto_text.ts';
import { ProtobufInput } from './protobuf_input.ts';
import { protobufSchema } from './protobuf_schema.ts';
import { ProtobufWriter } from './protobuf_writer.ts';

/** Those that everybody may import. */
const WELL_KNOWN: readonly FileDescriptorProto[] = [
  file_google_protobuf_any,
  file_google_protobuf_api,
  file_google_protobuf_descriptor,
  file_google_protobuf_duration,
  file_google_protobuf_empty,
  file_google_protobuf_field_mask,
  file_google_protobuf_source_context,
  file_google_protobuf_struct,
  file_google_protobuf_timestamp,
  file_google_protobuf_type,
  file_google_protobuf_wrappers,
].map(({ proto }) => proto);

/** No other file is called so: it has no name of its own. */
const MAIN = '.main';
const MAX_INDEXES = 100;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** What a .proto file says of its values. */
export class ProtobufSchema {
  readonly #registry: FileRegistry;
  readonly #main: FileDescriptorProto;
  /** By message indexes, as text, or by name: those that values were of. */
  readonly #messages = new Map<string, DescMessage>();
  readonly #writer: ProtobufWriter;
  readonly #name: string;
  /** What was described last: of so many messages. */
  #described: { readonly count: number; readonly schema: ValueSchema | null } | null = null;

  /**
   * @param text the file, as text or as a descriptor in base64
   * @param references the files that it imports, by the names that it imports them by
   * @param name that of its component where it is described
   * @throws Error where it is no such file
   */
  constructor(
    text: string,
    references: readonly { readonly name: string; readonly text: string }[],
    name = 'schema',
  ) {
    this.#name = name;
    const file = filesOf(text, references);
    this.#main = file.at(-1)!;
    this.#registry = createFileRegistry(create(FileDescriptorSetSchema, { file }));
    this.#writer = new ProtobufWriter(this.#registry);
  }

  /** Of those messages that values were of, else of the first one, which most are. */
  get schema(): ValueSchema | null {
    const count = this.#messages.size;
    if (this.#described?.count === count) return this.#described.schema;
    const messages = new Set(this.#messages.values());
    if (count === 0 && this.#main.messageType.length > 0) {
      messages.add(this.#registry.getMessage(this.#nameOf([0]))!);
    }
    const schema = messages.size === 0 ? null : protobufSchema(this.#name, [...messages]);
    this.#described = { count, schema };
    return schema;
  }

  json(bytes: Uint8Array, rest: Uint8Array | null): Uint8Array {
    const isInHeader = rest !== null && rest.length > 0;
    const input = new AvroInput(isInHeader ? rest : bytes, 0);
    const message = this.#named(input) ?? this.#message(indexesIn(input));
    const value = isInHeader ? bytes : bytes.subarray(input.at);
    return this.#written(message, value) ?? this.#byLibrary(message, value);
  }

  /** `null` where the library has to judge: of bytes that are no such message, too. */
  #written(message: DescMessage, value: Uint8Array): Uint8Array | null {
    try {
      return this.#writer.json(message, new ProtobufInput(value), maxJsonOf(value));
    } catch (error) {
      if (error instanceof TooLarge) throw error;
      return null;
    }
  }

  #byLibrary(message: DescMessage, value: Uint8Array): Uint8Array {
    try {
      const options = { registry: this.#registry };
      const json = encoder.encode(toJsonString(message, fromBinary(message, value), options));
      if (json.length > maxJsonOf(value)) throw new TooLarge(maxJsonOf(value));
      return json;
    } catch (error) {
      throw new Malformed((error as Error).message);
    }
  }

  /** Apicurio's serializers write a message of one field in the place of the indexes: the name. */
  #named(input: AvroInput): DescMessage | null {
    const [length, tag, nameLength] = input.all;
    if (tag !== 0x0a || length === undefined || length !== nameLength! + 2) return null;
    const name = decoder.decode(input.all.subarray(3, length + 1));
    const found = this.#messages.get(name) ?? this.#declared(name);
    if (found === undefined) return null;
    this.#messages.set(name, found);
    input.take(length + 1);
    return found;
  }

  #declared(name: string): DescMessage | undefined {
    for (const type of this.#registry) {
      if (type.kind === 'message' && type.name === name && type.file.proto === this.#main) {
        return type;
      }
    }
    return undefined;
  }

  #message(indexes: readonly number[]): DescMessage {
    const key = indexes.join();
    const known = this.#messages.get(key);
    if (known !== undefined) return known;
    const name = this.#nameOf(indexes);
    const message = this.#registry.getMessage(name);
    if (message === undefined) throw new Malformed(`no message ${name} in it`);
    this.#messages.set(key, message);
    return message;
  }

  #nameOf(indexes: readonly number[]): string {
    let found: DescriptorProto | undefined;
    let name = this.#main.package;
    for (const index of indexes) {
      found = (found === undefined ? this.#main.messageType : found.nestedType)[index];
      if (found === undefined) throw new Malformed(`no message ${indexes.join('.')} in it`);
      name = name === '' ? found.name : `${name}.${found.name}`;
    }
    return name;
  }
}

/** Where in its file the message is declared, from the outside in. */
function indexesIn(input: AvroInput): number[] {
  const count = input.int();
  // The first message, which most are.
  if (count === 0) return [0];
  if (count < 0 || count > MAX_INDEXES) throw new Malformed('message indexes that are none');
  return Array.from({ length: count }, () => input.int());
}

/** A file and all that it needs, each behind what it needs itself, with all names resolved. */
export function filesOf(
  text: string,
  references: readonly { readonly name: string; readonly text: string }[],
): FileDescriptorProto[] {
  const files = new Map(WELL_KNOWN.map((file) => [file.name, file]));
  for (const { name, text } of references) files.set(name, readFile(name, text));
  const main = readFile(MAIN, text);
  files.set(MAIN, main);
  const all = inOrder(main, files);
  resolveTypes(all);
  return all;
}

function readFile(name: string, text: string): FileDescriptorProto {
  const file = descriptorIn(text) ?? parseProto(name, text);
  file.name = name;
  return file;
}

/** Python's serializers register descriptors in base64, which not every registry makes a text of. */
function descriptorIn(text: string): FileDescriptorProto | null {
  if (!/^[A-Za-z0-9+/]+={0,2}\s*$/.test(text)) return null;
  try {
    const bytes = Uint8Array.from(atob(text.trim()), (char) => char.charCodeAt(0));
    return fromBinary(FileDescriptorProtoSchema, bytes);
  } catch {
    return null;
  }
}

/** A file and all that it needs, each behind what it needs itself. */
function inOrder(
  main: FileDescriptorProto,
  files: ReadonlyMap<string, FileDescriptorProto>,
): FileDescriptorProto[] {
  const found = new Set<FileDescriptorProto>();
  const begun = new Set<FileDescriptorProto>();
  const add = (file: FileDescriptorProto): void => {
    if (begun.has(file)) return;
    begun.add(file);
    // Of what only options come from there may be no file: nobody registers it.
    const imported = file.dependency.flatMap((name) => files.get(name) ?? []);
    imported.forEach(add);
    if (!WELL_KNOWN.includes(file)) {
      file.dependency = imported.map(({ name }) => name);
      file.publicDependency = [];
      file.weakDependency = [];
    }
    found.add(file);
  };
  add(main);
  return [...found];
}

/** Gives each field its name in JSON and the whole name of its type, a message or an enum. */
function resolveTypes(files: readonly FileDescriptorProto[]): void {
  const types = new Map<string, FieldType>();
  const note = (scope: string, message: DescriptorProto): void => {
    const name = `${scope}.${message.name}`;
    types.set(name, FieldType.MESSAGE);
    for (const { name: own } of message.enumType) types.set(`${name}.${own}`, FieldType.ENUM);
    for (const nested of message.nestedType) note(name, nested);
  };
  for (const file of files) {
    const scope = scopeOf(file);
    for (const { name } of file.enumType) types.set(`${scope}.${name}`, FieldType.ENUM);
    for (const message of file.messageType) note(scope, message);
  }

  const find = (name: string, scope: string): string | null => {
    if (name.startsWith('.')) return types.has(name) ? name : null;
    for (let around = scope; ; around = around.slice(0, around.lastIndexOf('.'))) {
      const whole = `${around}.${name}`;
      if (types.has(whole)) return whole;
      if (around === '') return null;
    }
  };
  const resolve = (field: FieldDescriptorProto, scope: string): void => {
    // Not every descriptor has it.
    if (field.jsonName === '') field.jsonName = jsonNameOf(field.name);
    if (field.typeName === '') return;
    const whole = find(field.typeName, scope);
    if (whole === null) throw new Error(`no type ${field.typeName}`);
    field.typeName = whole;
    if (field.type !== FieldType.GROUP) field.type = types.get(whole)!;
  };
  /** Of what it extends there may be no file. */
  const extensionsOf = (all: FieldDescriptorProto[], scope: string): FieldDescriptorProto[] =>
    all.filter((field) => {
      const extendee = find(field.extendee, scope);
      if (extendee === null) return false;
      field.extendee = extendee;
      resolve(field, scope);
      return true;
    });
  const resolveIn = (message: DescriptorProto, around: string): void => {
    const scope = `${around}.${message.name}`;
    for (const field of message.field) resolve(field, scope);
    message.extension = extensionsOf(message.extension, scope);
    for (const nested of message.nestedType) resolveIn(nested, scope);
  };
  for (const file of files) {
    if (WELL_KNOWN.includes(file)) continue;
    const scope = scopeOf(file);
    for (const message of file.messageType) resolveIn(message, scope);
    file.extension = extensionsOf(file.extension, scope);
  }
}

function scopeOf(file: FileDescriptorProto): string {
  return file.package === '' ? '' : `.${file.package}`;
}
