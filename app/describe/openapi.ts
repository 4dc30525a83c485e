import type { Config } from '../config/config.ts';
import { VALUE_KINDS } from '../ports/values.ts';
import { API_VERSION, documentOf, EVENT_SCHEMAS, eventSchema } from './event_schemas.ts';
import { STREAM_PARAMETERS } from './stream_parameters.ts';
import { NO_VALUE_SCHEMAS, type ValueSchemas } from './value_schemas.ts';

interface Described extends Pick<Config, 'topics' | 'adminPort'> {
  /** Paths of streams beside the topics. */
  readonly streams?: readonly string[];
  /** What is known of values: left out, nothing. */
  readonly values?: ValueSchemas;
}

/**
 * `GET /-/openapi.json`: all that can be asked over HTTP, in the words of OpenAPI 3.1, but for the
 * files that the page is made of.
 */
export function openapi({
  topics,
  adminPort,
  streams = [],
  values = NO_VALUE_SCHEMAS,
}: Described): object {
  // A topic of which more is known has a path of its own, which wins over that of all.
  const paths = new Set([...streams, ...values.records.keys()]);
  return {
    openapi: '3.1.1',
    info: {
      title: 'sse-kafka-fanout',
      version: API_VERSION,
      description: 'Kafka topics as Server-Sent Events. What the events carry: /-/asyncapi.json.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    paths: {
      '/{topic}': {
        get: {
          operationId: 'stream',
          summary:
            'The stream of a topic, or of several, with commas between their names and format=json. ' +
            'It does not end by itself unless it is asked to.',
          parameters: [topic({ enum: topics }), ...STREAM_PARAMETERS],
          responses: {
            200: STREAM,
            304: SAME,
            400: text('What `format`, `since`, `until`, `wait` or a filter takes.'),
            404: text('Not a topic that is served here.'),
            429: refusal('This address has as many streams open as it may.'),
            431: TOO_LARGE,
            503: refusal(
              'No more streams: all are taken, or the gateway is about to end. Or the topic of a ' +
                'document is not loaded within 10 s.',
            ),
          },
        },
        head: {
          operationId: 'streamHead',
          summary: 'The head of that stream; never refused for want of room.',
          parameters: [topic({ enum: topics }), ...STREAM_PARAMETERS],
          responses: {
            200: STREAM,
            304: SAME,
            400: text('What `format`, `since`, `until`, `wait` or a filter takes.'),
            404: text('Not a topic that is served here.'),
            431: TOO_LARGE,
            503: refusal('The topic of a document is not loaded within 10 s.'),
          },
        },
        // It is not asked whether there is such a topic.
        options: { parameters: [topic({})], ...PREFLIGHT },
      },
      ...Object.fromEntries(
        [...paths].map((path) => [path, streamPath(path, values.records.get(path))]),
      ),
      '/-/topics': jsonPath('topics', 'The topics that are served.', TOPICS),
      '/-/openapi.json': jsonPath('openapi', 'This description.', { type: 'object' }),
      '/-/asyncapi.json': jsonPath('asyncapi', 'What the streams carry.', { type: 'object' }),
      '/': PAGE,
      '/index.html': PAGE,
      ...(adminPort === 0 ? {} : adminPaths(adminPort)),
    },
    components: { schemas: { ...EVENT_SCHEMAS, Event: EVENT, ...values.components } },
  };
}

/**
 * A stream of the streams file, or a topic.
 * @param record what its records are of, where more is known of them
 */
function streamPath(path: string, record?: object): object {
  const parameters = STREAM_PARAMETERS;
  const stream = record === undefined ? STREAM : streamOf(documentOf(record));
  const faults = {
    400: text('What `format`, `since`, `until`, `wait` or a filter takes.'),
    431: TOO_LARGE,
  };
  const full = {
    429: refusal('This address has as many streams open as it may.'),
    503: refusal('No more streams: all are taken, or the gateway is about to end.'),
  };
  return {
    get: {
      operationId: `stream ${path}`,
      summary: 'A stream. It does not end by itself unless it is asked to.',
      parameters,
      responses: { 200: stream, ...faults, ...full },
    },
    head: {
      operationId: `streamHead ${path}`,
      summary: 'The head of that stream; never refused for want of room.',
      parameters,
      responses: { 200: stream, ...faults },
    },
    options: PREFLIGHT,
  };
}

function topic(schema: object): object {
  return { name: 'topic', in: 'path', required: true, schema: { type: 'string', ...schema } };
}

const CORS_HEADERS = {
  'Access-Control-Allow-Origin': {
    description: '`*`, or the origin of the request where it is listed in CORS_ORIGINS.',
    schema: { type: 'string' },
  },
  'Access-Control-Allow-Credentials': {
    description: 'For a listed origin but `null`: its cookies may come along.',
    schema: { const: 'true' },
  },
};

const PREFLIGHT = {
  summary: 'What a browser asks before it asks from a page of another origin.',
  responses: { 204: { description: 'Allowed.', headers: CORS_HEADERS } },
};

const TOO_LARGE = { description: 'The head of the request is larger than 64 kB.' };

const SAME = {
  description: 'Nothing came, a gap neither, since the document of `If-None-Match`.',
  headers: CORS_HEADERS,
};

/** The blocks that an EventSource makes an event of; `schema` is that of one event. */
const EVENT = {
  type: 'object',
  properties: {
    event: {
      enum: ['message', 'delete', 'leave', 'gap', 'live', 'stale', 'fresh'],
      description:
        'A record; a key that was deleted; a key whose newest record does not match the filter; records that this client does not get; all sent that ' +
        'was there when the client came (only with `format=json`, `until` or `wait`); the gateway hears nothing of the ' +
        'topic from Kafka, and does again (both without an id).',
    },
    data: { type: 'string', description: 'As /-/asyncapi.json has it for each event and format.' },
    id: eventSchema('Cursor'),
  },
  required: ['event', 'data'],
};

const STREAM = streamOf(eventSchema('Document'));

function streamOf(document: object): object {
  return {
    description:
      'The stream. One that is refused for want of room is answered so, too, where the request ' +
      'accepts `text/event-stream` by name: `retry:` alone, and the end. With `until` or `wait`, and an ' +
      '`Accept` that names `application/json` and not `text/event-stream`, one document: it is written ' +
      'as it is read, and one that does not parse was cut.',
    headers: {
      ...CORS_HEADERS,
      'Cache-Control': {
        required: true,
        schema: { enum: ['no-cache, no-transform', 'private, no-cache'] },
        description: 'The second one of a document.',
      },
      'X-Accel-Buffering': { description: 'Of a stream.', schema: { const: 'no' } },
      ETag: { description: 'Of a document: by its id.', schema: { type: 'string' } },
    },
    content: {
      'text/event-stream': { schema: { $ref: '#/components/schemas/Event' } },
      'application/json': { schema: document },
    },
  };
}

function text(description: string): object {
  return { description, content: { 'text/plain': { schema: { type: 'string' } } } };
}

function refusal(description: string): object {
  const seconds = { description: 'Seconds.', required: true, schema: { type: 'integer' } };
  return { ...text(description), headers: { 'Retry-After': seconds } };
}

const TOPICS = {
  type: 'object',
  properties: {
    topics: {
      type: 'array',
      items: {
        type: 'object',
        properties: {
          name: { type: 'string' },
          path: { type: 'string' },
          compacted: { type: ['boolean', 'null'], description: 'Null until the brokers tell.' },
          deleteRetentionMs: {
            type: ['integer', 'null'],
            description: 'How long Kafka keeps deletes; null where the topic is not compacted.',
          },
          value: {
            enum: [...VALUE_KINDS, null],
            description: 'What its values are; null of several topics.',
          },
          topics: {
            type: 'array',
            description: 'Of a stream of several topics each of them, without a path.',
            items: { type: 'object' },
          },
        },
        required: ['name', 'path', 'compacted', 'deleteRetentionMs', 'value'],
        additionalProperties: false,
      },
    },
  },
  required: ['topics'],
  additionalProperties: false,
};

function jsonPath(operationId: string, summary: string, schema: object): object {
  const content = { 'application/json': { schema } };
  const responses = { 200: { description: 'OK', headers: CORS_HEADERS, content } };
  return {
    get: { operationId, summary, responses },
    head: { responses },
    options: PREFLIGHT,
  };
}

const PAGE_HEADERS = { ...CORS_HEADERS, ETag: { required: true, schema: { type: 'string' } } };
const PAGE_ANSWER = {
  parameters: [{ name: 'If-None-Match', in: 'header', schema: { type: 'string' } }],
  responses: {
    200: { description: 'The page.', headers: PAGE_HEADERS, content: { 'text/html': {} } },
    304: { description: 'It has the tag that was asked for.', headers: PAGE_HEADERS },
  },
};
const PAGE = { get: PAGE_ANSWER, head: PAGE_ANSWER, options: PREFLIGHT };

const STATUS = {
  type: 'object',
  properties: { up: { type: 'boolean' }, error: { type: ['string', 'null'] } },
  required: ['up', 'error'],
  additionalProperties: false,
};

const HEALTH = {
  type: 'object',
  properties: {
    version: { type: 'string' },
    ready: { type: 'boolean' },
    missing: { type: 'array', items: { type: 'string' } },
    brokers: STATUS,
    registry: { ...STATUS, description: 'The schema registry, where there is one.' },
  },
  required: ['version', 'ready', 'missing', 'brokers'],
  additionalProperties: false,
};

/** Those of the admin listener, which has a port of its own. */
function adminPaths(port: number): object {
  const variables = { host: { default: 'localhost' } };
  const servers = [{ url: `http://{host}:${port}`, description: 'The admin listener.', variables }];
  const health = { 'application/json': { schema: HEALTH } };
  const get = (operationId: string, summary: string, responses: object): object => ({
    servers,
    get: { operationId, summary, responses },
  });
  return {
    '/livez': get('livez', 'Whether the process works.', { 200: text('It does.') }),
    '/readyz': get('readyz', 'Whether every topic was loaded once.', {
      200: { description: 'Ready.', content: health },
      503: { description: 'Not yet, or about to end.', content: health },
    }),
    '/metrics': get('metrics', 'Metrics for Prometheus.', { 200: text('The metrics.') }),
  };
}
