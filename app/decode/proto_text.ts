/**
 * The language of .proto files, as far as values need it: what messages and enums there are, with
 * their fields. Comments, services and options that change nothing of a value are passed over.
 *
 * https://protobuf.com/docs/language-spec
 *
 * @module
 */

import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  type DescriptorProtoSchema,
  Edition,
  type EnumDescriptorProtoSchema,
  FeatureSet_EnumType,
  FeatureSet_FieldPresence,
  FeatureSet_MessageEncoding,
  FeatureSet_RepeatedFieldEncoding,
  FeatureSet_Utf8Validation,
  FieldDescriptorProto_Label,
  type FieldDescriptorProtoSchema,
  FieldDescriptorProto_Type as FieldType,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
} from '@bufbuild/protobuf/wkt';

type FileInit = MessageInitShape<typeof FileDescriptorProtoSchema>;
type MessageInit = MessageInitShape<typeof DescriptorProtoSchema>;
type EnumInit = MessageInitShape<typeof EnumDescriptorProtoSchema>;
type FieldInit = MessageInitShape<typeof FieldDescriptorProtoSchema>;
type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** A message under way. */
interface Message {
  readonly name: string;
  readonly fields: Mutable<FieldInit>[];
  readonly nested: MessageInit[];
  readonly enums: EnumInit[];
  readonly extensions: FieldInit[];
  readonly oneofs: { name: string }[];
  options: Options;
}

/** By name, with a dot between its parts; texts without their quotes. */
type Options = ReadonlyMap<string, string>;

const SCALARS: ReadonlyMap<string, FieldType> = new Map([
  ['double', FieldType.DOUBLE],
  ['float', FieldType.FLOAT],
  ['int64', FieldType.INT64],
  ['uint64', FieldType.UINT64],
  ['int32', FieldType.INT32],
  ['fixed64', FieldType.FIXED64],
  ['fixed32', FieldType.FIXED32],
  ['bool', FieldType.BOOL],
  ['string', FieldType.STRING],
  ['bytes', FieldType.BYTES],
  ['uint32', FieldType.UINT32],
  ['sfixed32', FieldType.SFIXED32],
  ['sfixed64', FieldType.SFIXED64],
  ['sint32', FieldType.SINT32],
  ['sint64', FieldType.SINT64],
]);

const { OPTIONAL, REPEATED, REQUIRED } = FieldDescriptorProto_Label;
const LABELS: ReadonlyMap<string, FieldDescriptorProto_Label> = new Map([
  ['optional', OPTIONAL],
  ['repeated', REPEATED],
  ['required', REQUIRED],
]);

const EDITIONS: ReadonlyMap<string, Edition> = new Map([
  ['2023', Edition.EDITION_2023],
  ['2024', Edition.EDITION_2024],
]);

const TOKEN =
  /\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\/|("(?:[^"\\\n]|\\[\s\S])*"|'(?:[^'\\\n]|\\[\s\S])*'|[A-Za-z_]\w*|\d[\w.]*(?:(?<=[eE])[+-]\d+)?|\.\d[\w.]*|[^\s])/y;

/**
 * @param name under which others import it
 * @throws Error with what stands where it should not
 */
export function parseProto(name: string, text: string): FileDescriptorProto {
  return create(FileDescriptorProtoSchema, new Parser(tokensOf(text)).file(name));
}

function tokensOf(text: string): string[] {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const found = TOKEN.exec(text);
    const token = found?.[1];
    // At the first one: each would be looked for up to the end of the file.
    if (token !== undefined && /^["'/]$/.test(token)) {
      throw new Error('a comment or a text without an end');
    }
    if (token !== undefined) tokens.push(token);
  }
  return tokens;
}

class Parser {
  readonly #tokens: readonly string[];
  #at = 0;
  #isProto3 = false;

  constructor(tokens: readonly string[]) {
    this.#tokens = tokens;
  }

  file(name: string): FileInit {
    const dependency: string[] = [];
    const root = emptyMessage('');
    const options = new Map<string, string>();
    let [packageName, syntax, edition] = ['', 'proto2', Edition.EDITION_UNKNOWN];
    while (this.#at < this.#tokens.length) {
      const token = this.#next();
      if (token === 'syntax' || token === 'edition') {
        this.#expect('=');
        const value = this.#text();
        this.#expect(';');
        this.#isProto3 = value === 'proto3';
        syntax = token === 'syntax' ? value : 'editions';
        if (token === 'syntax') continue;
        edition = EDITIONS.get(value) ?? Edition.EDITION_UNKNOWN;
        if (edition === Edition.EDITION_UNKNOWN) throw new Error(`the edition ${value}`);
      } else if (token === 'package') {
        packageName = this.#name();
        this.#expect(';');
      } else if (token === 'import') {
        if (['public', 'weak', 'option'].includes(this.#peek())) this.#next();
        dependency.push(this.#text());
        this.#expect(';');
      } else if (token === 'option') this.#option(options);
      else if (token === 'service') this.#skipBlock();
      else this.#definition(token, root);
    }
    return {
      name,
      dependency,
      package: packageName,
      syntax: syntax === 'proto2' ? '' : syntax,
      edition,
      messageType: root.nested,
      enumType: root.enums,
      extension: root.extensions,
      options: featuresOf(options),
    };
  }

  /** What may stand in a file and in a message alike. */
  #definition(token: string, into: Message): void {
    if (token === ';') return;
    // Since edition 2024 who may see it.
    if ((token === 'export' || token === 'local') && /^(message|enum)$/.test(this.#peek())) {
      this.#definition(this.#next(), into);
    } else if (token === 'message') into.nested.push(this.#message(this.#identifier()));
    else if (token === 'enum') into.enums.push(this.#enum());
    else if (token === 'extend') this.#extend(into);
    else throw new Error(`"${token}" where a definition should be`);
  }

  #message(name: string): MessageInit {
    const message = emptyMessage(name);
    const options = new Map<string, string>();
    this.#expect('{');
    for (let token = this.#next(); token !== '}'; token = this.#next()) {
      if (token === 'option') this.#option(options);
      else if (token === 'reserved' || token === 'extensions') this.#skipStatement();
      else if (token === 'oneof') this.#oneof(message);
      else if (token === 'map' && this.#peek() === '<') this.#map(message);
      else if (isDefinition(token, this.#peek())) this.#definition(token, message);
      else message.fields.push(this.#field(token, message));
    }
    // Behind all others: what is optional in proto3 is the only one of its kind.
    for (const field of message.fields) {
      if (!field.proto3Optional) continue;
      field.oneofIndex = message.oneofs.length;
      message.oneofs.push({ name: `_${field.name}` });
    }
    return {
      name,
      field: message.fields,
      nestedType: message.nested,
      enumType: message.enums,
      extension: message.extensions,
      oneofDecl: message.oneofs,
      options: { ...featuresOf(options), mapEntry: options.get('map_entry') === 'true' },
    };
  }

  /** @param token the first one of it */
  #field(token: string, message: Message): Mutable<FieldInit> {
    const label = LABELS.get(token);
    const typeName = label === undefined ? this.#nameFrom(token) : this.#name();
    const name = this.#identifier();
    this.#expect('=');
    const number = this.#number();
    const options = this.#fieldOptions();
    const field: Mutable<FieldInit> = {
      name,
      number,
      label: label ?? OPTIONAL,
      jsonName: options.get('json_name') ?? jsonNameOf(name),
      ...typeOf(typeName),
      options: {
        ...featuresOf(options),
        ...(options.has('packed') ? { packed: options.get('packed') === 'true' } : {}),
      },
    };
    if (typeName === 'group' && this.#peek() === '{') {
      message.nested.push(this.#message(name));
      const ofGroup = name.toLowerCase();
      return {
        ...field,
        name: ofGroup,
        jsonName: jsonNameOf(ofGroup),
        type: FieldType.GROUP,
        typeName: name,
      };
    }
    if (label === OPTIONAL && this.#isProto3) field.proto3Optional = true;
    this.#expect(';');
    return field;
  }

  #oneof(message: Message): void {
    const index = message.oneofs.length;
    message.oneofs.push({ name: this.#identifier() });
    this.#expect('{');
    for (let token = this.#next(); token !== '}'; token = this.#next()) {
      if (token === 'option') this.#option(new Map());
      else if (token !== ';') {
        message.fields.push({ ...this.#field(token, message), oneofIndex: index });
      }
    }
  }

  #map(message: Message): void {
    this.#expect('<');
    const key = this.#name();
    this.#expect(',');
    const value = this.#name();
    this.#expect('>');
    const field = this.#field(`${entryNameOf(this.#peek())}`, message);
    message.fields.push({ ...field, label: REPEATED });
    const entry = { label: OPTIONAL, options: {} };
    message.nested.push({
      name: field.typeName!,
      field: [
        { ...entry, name: 'key', jsonName: 'key', number: 1, ...typeOf(key) },
        { ...entry, name: 'value', jsonName: 'value', number: 2, ...typeOf(value) },
      ],
      options: { mapEntry: true },
    });
  }

  #enum(): EnumInit {
    const name = this.#identifier();
    const options = new Map<string, string>();
    const values: { name: string; number: number }[] = [];
    this.#expect('{');
    for (let token = this.#next(); token !== '}'; token = this.#next()) {
      if (token === 'option') this.#option(options);
      else if (token === 'reserved') this.#skipStatement();
      else if (token !== ';') {
        this.#expect('=');
        values.push({ name: token, number: this.#number() });
        this.#fieldOptions();
        this.#expect(';');
      }
    }
    return { name, value: values, options: featuresOf(options) };
  }

  #extend(into: Message): void {
    const extendee = this.#name();
    this.#expect('{');
    for (let token = this.#next(); token !== '}'; token = this.#next()) {
      if (token !== ';') into.extensions.push({ ...this.#field(token, into), extendee });
    }
  }

  /** Behind `option`, up to its end. */
  #option(into: Map<string, string>): void {
    this.#optionInto(into);
    this.#expect(';');
  }

  /** In brackets, where there are any. */
  #fieldOptions(): Options {
    const options = new Map<string, string>();
    if (this.#peek() !== '[') return options;
    do {
      this.#next();
      this.#optionInto(options);
    } while (this.#peek() === ',');
    this.#expect(']');
    return options;
  }

  #optionInto(into: Map<string, string>): void {
    let name = '';
    while (this.#peek() !== '=') name += this.#next();
    this.#expect('=');
    if (this.#peek() === '{') this.#skipBlock();
    else {
      if (this.#peek() === '-') this.#next();
      const isText = /^["']/.test(this.#peek());
      into.set(name, isText ? this.#text() : this.#next());
    }
  }

  /** Up to the end of the block that begins next, or a little later. */
  #skipBlock(): void {
    while (this.#next() !== '{');
    for (let depth = 1; depth > 0; ) {
      const token = this.#next();
      if (token === '{') depth++;
      if (token === '}') depth--;
    }
  }

  #skipStatement(): void {
    while (this.#next() !== ';');
  }

  /** With dots, where it has any. */
  #name(): string {
    return this.#nameFrom(this.#next());
  }

  #nameFrom(token: string): string {
    let name = token;
    if (token === '.') name += this.#identifier();
    while (this.#peek() === '.') name += this.#next() + this.#identifier();
    return name;
  }

  #identifier(): string {
    const token = this.#next();
    if (!/^[A-Za-z_]/.test(token)) throw new Error(`"${token}" where a name should be`);
    return token;
  }

  #number(): number {
    const isNegative = this.#peek() === '-';
    if (isNegative) this.#next();
    const token = this.#next();
    const number = /^0\d/.test(token) ? Number.parseInt(token, 8) : Number(token);
    if (!Number.isSafeInteger(number)) throw new Error(`"${token}" where a number should be`);
    return isNegative ? -number : number;
  }

  /** Several are one. */
  #text(): string {
    let text = '';
    do {
      const token = this.#next();
      if (!/^["']/.test(token)) throw new Error(`"${token}" where a text should be`);
      text += token.slice(1, -1);
    } while (/^["']/.test(this.#peek()));
    return text;
  }

  #expect(token: string): void {
    const found = this.#next();
    if (found !== token) throw new Error(`"${found}" where "${token}" should be`);
  }

  /** Empty behind the last one. */
  #peek(): string {
    return this.#tokens[this.#at] ?? '';
  }

  #next(): string {
    const token = this.#tokens[this.#at++];
    if (token === undefined) throw new Error('it ends too early');
    return token;
  }
}

function emptyMessage(name: string): Message {
  return {
    name,
    fields: [],
    nested: [],
    enums: [],
    extensions: [],
    oneofs: [],
    options: new Map(),
  };
}

/** A field may have a type of such a name: then a name follows, and what follows that tells. */
function isDefinition(token: string, next: string): boolean {
  return token === ';' || (/^(message|enum|extend|export|local)$/.test(token) && next !== '.');
}

/** Names are resolved once all files are read. */
function typeOf(name: string): Pick<FieldInit, 'type' | 'typeName'> {
  const type = SCALARS.get(name);
  return type === undefined ? { typeName: name } : { type };
}

/** https://protobuf.com/docs/descriptors#map-fields */
function entryNameOf(field: string): string {
  const name = jsonNameOf(field);
  return `${name.charAt(0).toUpperCase()}${name.slice(1)}Entry`;
}

/** https://protobuf.dev/programming-guides/json/#json-options */
export function jsonNameOf(name: string): string {
  return name.replace(/_+(.?)/g, (_, letter: string) => letter.toUpperCase());
}

const FEATURES: readonly (readonly [name: string, member: string, values: object])[] = [
  ['field_presence', 'fieldPresence', FeatureSet_FieldPresence],
  ['enum_type', 'enumType', FeatureSet_EnumType],
  ['repeated_field_encoding', 'repeatedFieldEncoding', FeatureSet_RepeatedFieldEncoding],
  ['utf8_validation', 'utf8Validation', FeatureSet_Utf8Validation],
  ['message_encoding', 'messageEncoding', FeatureSet_MessageEncoding],
];

/** Since editions what a value looks like on the wire depends on them. */
function featuresOf(options: Options): { features?: object } {
  const features = FEATURES.flatMap(([name, member, values]) => {
    const given = options.get(`features.${name}`);
    if (given === undefined) return [];
    return [[member, (values as Record<string, number>)[given]] as const];
  });
  return features.length === 0 ? {} : { features: Object.fromEntries(features) };
}
