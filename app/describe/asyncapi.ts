import type { Config } from '../config/config.ts';
import { FORMATS, TEXT } from '../views/format.ts';
import { API_VERSION, EVENT_SCHEMAS, eventSchema } from './event_schemas.ts';
import { STREAM_PARAMETERS } from './stream_parameters.ts';
import { NO_VALUE_SCHEMAS, type ValueSchemas } from './value_schemas.ts';

interface Described extends Pick<Config, 'topics' | 'httpPort' | 'httpsPort'> {
  /** Paths of streams beside the topics. */
  readonly streams?: readonly string[];
  /** Paths of which the values are read: not `bytes`. */
  readonly readPaths?: readonly string[];
  /** Of those streams the ones of several topics. */
  readonly severalPaths?: readonly string[];
  /** What is known of values: left out, nothing. */
  readonly values?: ValueSchemas;
}

/** `GET /-/asyncapi.json`: the streams and what they carry, in the words of AsyncAPI 3. */
export function asyncapi({
  topics,
  streams = [],
  readPaths = [],
  severalPaths = [],
  values = NO_VALUE_SCHEMAS,
  httpPort,
  httpsPort,
}: Described): object {
  const channels = new Map([
    ...topics.map((topic) => [topic, `/${topic}`] as const),
    // A name that no topic can have.
    ...streams.map((path) => [`stream:${path.replaceAll('/', ':')}`, path] as const),
  ]);
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'sse-kafka-fanout',
      version: API_VERSION,
      description:
        'Kafka topics as Server-Sent Events, a stream a topic; several ' +
        'in one with commas between their names and format=json. The name of an event is that of its ' +
        'message, its `id` is where the client is. How to ask for a stream: /-/openapi.json.',
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    defaultContentType: 'text/plain',
    servers: {
      ...(httpPort === 0 ? {} : { http: server('http', httpPort) }),
      ...(httpsPort === 0 ? {} : { https: server('https', httpsPort) }),
    },
    channels: Object.fromEntries(
      [...channels].map(([name, path]) => {
        const record = values.records.get(path);
        return [name, channel(path, readPaths.includes(path), record)];
      }),
    ),
    operations: Object.fromEntries(
      [...channels].flatMap(([topic, path]) =>
        FORMATS.filter((format) => format !== TEXT || !severalPaths.includes(path)).map(
          ({ name }) => [`${topic}.${name}`, operation(topic, name)],
        ),
      ),
    ),
    components: {
      schemas: { ...EVENT_SCHEMAS, ...values.components },
      messages: { ...MESSAGES, 'read.message': READ_MESSAGE },
    },
  };
}

const ID = {
  type: 'object',
  properties: { id: eventSchema('Cursor') },
  required: ['id'],
};

const JSON_TYPE = 'application/json';
const event = (name: string, contentType: string, summary: string, payload: object) => ({
  ...eventWithoutId(name, contentType, summary, payload),
  // The fields of the block beside its data.
  headers: ID,
});

function eventWithoutId(
  name: string,
  contentType: string,
  summary: string,
  payload: object,
): object {
  return { name, summary, contentType, payload };
}

const RECORD = 'A record.';
const DELETE = 'A key was deleted (a record without a value).';
const LEAVE =
  'The newest record of a key does not match the filter: what the client has of the key is out of date. Of compacted topics.';
const GAP = 'Records that this client does not get, and where the stream goes on.';
const LIVE = 'All has been sent that was there when the client came; from here on it is live.';
const STALE =
  'For 10 s not every leader of the topic has answered the gateway: what the client has may be old.';
const FRESH = 'They answer again.';
const PLACE =
  'Nothing came for a while, and the place of the client has moved, past what is not shown (the marker ' +
  'of a transaction), or the time of its id gets old. Only the id counts.';
const KEY = { type: 'string', contentEncoding: 'base64url', description: 'The key.' };

const MESSAGES = {
  'text.message': event('message', 'text/plain', RECORD, {
    type: 'string',
    description: 'The value; bytes that are no UTF-8 are U+FFFD.',
  }),
  'text.delete': event('delete', 'text/plain', DELETE, KEY),
  'text.leave': event('leave', 'text/plain', LEAVE, KEY),
  'text.gap': event('gap', JSON_TYPE, GAP, eventSchema('Gap')),
  'text.live': event('live', JSON_TYPE, `${LIVE} Only with until or wait.`, eventSchema('Live')),
  'text.stale': eventWithoutId('stale', JSON_TYPE, STALE, eventSchema('Stale')),
  'text.fresh': eventWithoutId('fresh', JSON_TYPE, FRESH, eventSchema('Fresh')),
  'text.place': event('place', JSON_TYPE, PLACE, eventSchema('Place')),
  'json.message': event('message', JSON_TYPE, RECORD, eventSchema('JsonRecord')),
  'json.delete': event('delete', JSON_TYPE, DELETE, eventSchema('JsonDelete')),
  'json.leave': event('leave', JSON_TYPE, LEAVE, eventSchema('JsonLeave')),
  'json.gap': event('gap', JSON_TYPE, GAP, eventSchema('Gap')),
  'json.live': event('live', JSON_TYPE, LIVE, eventSchema('Live')),
  'json.stale': eventWithoutId('stale', JSON_TYPE, STALE, eventSchema('Stale')),
  'json.fresh': eventWithoutId('fresh', JSON_TYPE, FRESH, eventSchema('Fresh')),
  'json.place': event('place', JSON_TYPE, PLACE, eventSchema('Place')),
};

/** In the place of `json.message` where values are read. */
const READ_MESSAGE = event('message', JSON_TYPE, RECORD, eventSchema('ReadRecord'));

function server(protocol: string, port: number): object {
  return {
    host: '{host}',
    protocol,
    variables: { host: { default: `localhost:${port}` } },
  };
}

/** `null` where nothing more is known of it. */
function knownMessage(name: string, record: object): object | null {
  if (name === 'json.message') return { ...READ_MESSAGE, payload: record };
  if (name !== 'text.message') return null;
  return {
    ...MESSAGES[name],
    payload: {
      type: 'string',
      contentMediaType: 'application/json',
      description:
        '`value` of the same record in `format=json`; its bytes where it cannot be read.',
    },
  };
}

/** @param record what its records are of, where more is known of them */
function channel(path: string, isRead: boolean, record?: object): object {
  const nameOf = (name: string): string =>
    isRead && name === 'json.message' ? 'read.message' : name;
  const names = Object.keys(MESSAGES);
  return {
    address: path,
    messages: Object.fromEntries(
      names.map((name) => [
        name,
        (record === undefined ? null : knownMessage(name, record)) ?? {
          $ref: `#/components/messages/${nameOf(name)}`,
        },
      ]),
    ),
  };
}

function operation(topic: string, format: string): object {
  const names = Object.keys(MESSAGES).filter((name) => name.startsWith(`${format}.`));
  return {
    action: 'send',
    channel: { $ref: `#/channels/${topic}` },
    bindings: { http: { method: 'GET', query: query(format), bindingVersion: '0.3.0' } },
    messages: names.map((name) => ({ $ref: `#/channels/${topic}/messages/${name}` })),
  };
}

/** The parameters of the query with this format. */
function query(format: string): object {
  const parameters = STREAM_PARAMETERS.filter((parameter) => parameter.in === 'query');
  return {
    type: 'object',
    properties: {
      ...Object.fromEntries(
        parameters.map(({ name, description, schema }) => [name, { description, ...schema }]),
      ),
      format: { const: format },
    },
    // OpenAPI has no words for names that a client makes up: there `key` tells of it.
    patternProperties: {
      '^header[.]': {
        description:
          'Only records of which the last header of the name behind the dot has this value; again for ' +
          'more: any of them.',
        type: 'array',
        items: { type: 'string' },
        maxItems: 1000,
      },
    },
    ...(format === 'text' ? {} : { required: ['format'] }),
  };
}
