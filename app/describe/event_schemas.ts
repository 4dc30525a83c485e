import { GAP_REASONS } from '../wire/gap.ts';

/** That of the gateway (docs/versions.md): `npm version` writes it. */
export const API_VERSION = '1.0.0';

const OFFSET = { type: 'integer', minimum: 0 };
const BASE64 = { type: 'string', contentEncoding: 'base64' };

const PLACE = {
  partition: { type: 'integer', minimum: 0 },
  offset: OFFSET,
  timestamp: { type: 'integer', description: "Unix milliseconds: the record's own." },
};

const HEADERS = {
  type: 'array',
  description:
    'Name and value of each header, in order. A value that is no UTF-8: null and then its base64. ' +
    'Left out where there are none.',
  items: {
    type: 'array',
    minItems: 2,
    maxItems: 3,
    // Only a name or text is a string here, and only the second one is null.
    items: { type: ['string', 'null'] },
  },
};

/** Either as it is, where it is UTF-8, or under another name in base64. */
const KEY = { oneOf: [{ required: ['key'] }, { required: ['keyBase64'] }] };
const VALUE = { oneOf: [{ required: ['value'] }, { required: ['valueBase64'] }] };

/** First in each object of a stream of several topics. */
const TOPIC = { type: 'string', description: 'In a stream of several topics: which one.' };

const RECORD = {
  topic: TOPIC,
  ...PLACE,
  key: { type: ['string', 'null'] },
  keyBase64: BASE64,
  value: { type: 'string' },
  valueBase64: BASE64,
  headers: HEADERS,
};

/** What the streams carry, in words of JSON Schema that OpenAPI 3.1 and AsyncAPI 3 both have. */
export const EVENT_SCHEMAS = {
  Cursor: {
    type: 'string',
    description: 'Where a client is: to be kept as it is and sent back as Last-Event-ID.',
    pattern: '^[A-Za-z0-9_-]+={0,2}(/~[0-9a-z]+)?$',
  },
  JsonRecord: {
    type: 'object',
    properties: RECORD,
    required: Object.keys(PLACE),
    allOf: [KEY, VALUE],
    additionalProperties: false,
  },
  ReadRecord: {
    type: 'object',
    description: 'Of a topic whose values are read: `value` in /-/topics is not `bytes`.',
    properties: {
      ...RECORD,
      value: { description: 'The value itself, as JSON; with `error` as in JsonRecord.' },
      schema: {
        type: ['integer', 'string'],
        description: 'Id or GUID of the schema that the value was written with.',
      },
      error: { type: 'string', description: 'Why the value cannot be read.' },
    },
    required: Object.keys(PLACE),
    allOf: [KEY, VALUE],
    additionalProperties: false,
  },
  JsonDelete: {
    type: 'object',
    properties: {
      topic: TOPIC,
      ...PLACE,
      key: { type: 'string' },
      keyBase64: BASE64,
      value: { type: 'null' },
      headers: HEADERS,
    },
    required: [...Object.keys(PLACE), 'value'],
    allOf: [KEY],
    additionalProperties: false,
  },
  JsonLeave: {
    type: 'object',
    description: 'Where it is one of the records of a document, it is known by having no value.',
    properties: { ...PLACE, key: { type: 'string' }, keyBase64: BASE64 },
    required: Object.keys(PLACE),
    allOf: [KEY],
    additionalProperties: false,
  },
  Gap: {
    type: 'object',
    properties: {
      reason: { type: 'string', enum: GAP_REASONS },
      topic: { type: 'string' },
      partitions: {
        type: 'array',
        description: 'Those that lost something.',
        items: {
          type: 'object',
          properties: {
            partition: { type: 'integer', minimum: 0 },
            from: { ...OFFSET, description: 'What the client was to get next.' },
            to: { ...OFFSET, description: 'Where the stream goes on.' },
          },
          required: ['partition', 'from', 'to'],
          additionalProperties: false,
        },
      },
    },
    required: ['reason', 'topic', 'partitions'],
    additionalProperties: false,
  },
  Document: documentOf(
    { $ref: '#/components/schemas/JsonRecord' },
    { $ref: '#/components/schemas/ReadRecord' },
  ),
  Live: { type: 'object', additionalProperties: false },
  Stale: {
    type: 'object',
    properties: {
      since: {
        type: 'integer',
        description:
          'Unix milliseconds: when all leaders of the topic answered last, else when the gateway started.',
      },
    },
    required: ['since'],
    additionalProperties: false,
  },
  Fresh: { type: 'object', additionalProperties: false },
  Place: { type: 'object', additionalProperties: false },
} as const;

/** The document of a stream, by what its records with a value may be. */
export function documentOf(...records: readonly object[]): object {
  return {
    type: 'object',
    properties: {
      records: {
        type: 'array',
        items: {
          anyOf: [
            ...records,
            { $ref: '#/components/schemas/JsonDelete' },
            { $ref: '#/components/schemas/JsonLeave' },
          ],
        },
      },
      gaps: { type: 'array', minItems: 1, items: { $ref: '#/components/schemas/Gap' } },
      id: { $ref: '#/components/schemas/Cursor' },
    },
    required: ['records', 'id'],
    additionalProperties: false,
  };
}

/** A reference to one of them, from either description. */
export function eventSchema(name: keyof typeof EVENT_SCHEMAS): { $ref: string } {
  return { $ref: `#/components/schemas/${name}` };
}
