import {
  type DescEnum,
  type DescField,
  type DescMessage,
  ScalarType as Scalar,
  type ScalarType,
} from '@bufbuild/protobuf';
import { FeatureSet_FieldPresence, isWrapperDesc } from '@bufbuild/protobuf/wkt';
import type { JsonSchema, ValueSchema } from '../ports/values.ts';
import { anyOf, componentName, DOUBLE, enumOf, refTo, valueSchema } from './json_schema.ts';

const INTEGER = { type: 'integer' };
const LONG = { type: 'string', format: 'int64' };
const STRING = { type: 'string' };

const SCALARS: Readonly<Record<ScalarType, JsonSchema>> = {
  [Scalar.DOUBLE]: DOUBLE,
  [Scalar.FLOAT]: DOUBLE,
  [Scalar.INT64]: LONG,
  [Scalar.UINT64]: { ...LONG, format: 'uint64' },
  [Scalar.INT32]: INTEGER,
  [Scalar.FIXED64]: { ...LONG, format: 'uint64' },
  [Scalar.FIXED32]: INTEGER,
  [Scalar.BOOL]: { type: 'boolean' },
  [Scalar.STRING]: STRING,
  [Scalar.BYTES]: { ...STRING, contentEncoding: 'base64' },
  [Scalar.UINT32]: INTEGER,
  [Scalar.SFIXED32]: INTEGER,
  [Scalar.SFIXED64]: LONG,
  [Scalar.SINT32]: INTEGER,
  [Scalar.SINT64]: LONG,
};

/** https://protobuf.dev/programming-guides/json/#field-representation */
const WELL_KNOWN: ReadonlyMap<string, JsonSchema> = new Map<string, JsonSchema>([
  ['google.protobuf.Any', { type: 'object', properties: { '@type': STRING } }],
  ['google.protobuf.Timestamp', { ...STRING, format: 'date-time' }],
  ['google.protobuf.Duration', { ...STRING, pattern: '^-?[0-9]+([.][0-9]+)?s$' }],
  ['google.protobuf.FieldMask', STRING],
  ['google.protobuf.Struct', { type: 'object' }],
  ['google.protobuf.Value', true],
  ['google.protobuf.ListValue', { type: 'array' }],
]);

/**
 * The components of messages as JSON, and of those that they are made of.
 *
 * @param component one of these messages
 * @returns `null` where they are too large to be shown
 */
export function protobufSchema(
  component: string,
  messages: readonly DescMessage[],
): ValueSchema | null {
  const components: Record<string, JsonSchema> = {};
  const begun = new Set<DescMessage | DescEnum>();
  /** A loop, and no recursion: messages may be as deep as there are of them. */
  const left: (DescMessage | DescEnum)[] = [];
  const refOf = (type: DescMessage | DescEnum): JsonSchema => {
    if (!begun.has(type)) {
      begun.add(type);
      left.push(type);
    }
    return refTo(componentName(component, type.typeName));
  };
  components[component] = anyOf(messages.map((message) => messageSchema(message, refOf)));
  for (let type = left.pop(); type !== undefined; type = left.pop()) {
    components[componentName(component, type.typeName)] =
      type.kind === 'enum' ? enumSchema(type) : objectSchema(type, refOf);
  }
  return valueSchema(component, components);
}

type RefOf = (type: DescMessage | DescEnum) => JsonSchema;

function messageSchema(message: DescMessage, refOf: RefOf): JsonSchema {
  if (isWrapperDesc(message)) return fieldSchema(message.fields[0]!, refOf);
  return WELL_KNOWN.get(message.typeName) ?? refOf(message);
}

function objectSchema({ fields }: DescMessage, refOf: RefOf): JsonSchema {
  const properties: Record<string, JsonSchema> = Object.create(null);
  for (const field of fields) properties[field.jsonName] = fieldSchema(field, refOf);
  const required = fields.filter(
    ({ presence }) => presence === FeatureSet_FieldPresence.LEGACY_REQUIRED,
  );
  // More may be there: extensions.
  return { type: 'object', properties, required: required.map(({ jsonName }) => jsonName) };
}

/** Without names for what a newer schema has more. */
function enumSchema({ typeName, values }: DescEnum): JsonSchema {
  if (typeName === 'google.protobuf.NullValue') return { type: 'null' };
  return anyOf([enumOf(values.map(({ name }) => name)), INTEGER]);
}

function fieldSchema(field: DescField, refOf: RefOf): JsonSchema {
  switch (field.fieldKind) {
    case 'scalar':
      return SCALARS[field.scalar];
    case 'enum':
      return refOf(field.enum);
    case 'message':
      return messageSchema(field.message, refOf);
    case 'list':
      return { type: 'array', items: contentSchema(field, refOf) };
    case 'map':
      return { type: 'object', additionalProperties: contentSchema(field, refOf) };
  }
}

/** Of a list or a map. */
function contentSchema(
  { scalar, enum: ofEnum, message }: Extract<DescField, { fieldKind: 'list' | 'map' }>,
  refOf: RefOf,
): JsonSchema {
  if (message !== undefined) return messageSchema(message, refOf);
  return ofEnum === undefined ? SCALARS[scalar!] : refOf(ofEnum);
}
