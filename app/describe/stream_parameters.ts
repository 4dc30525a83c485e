import { CURSOR_QUERY_NAMES } from '../http/events.ts';
import { FORMATS } from '../views/format.ts';
import { MAX_EVERY_MS, MIN_EVERY_MS } from '../views/pace.ts';
import { MAX_OFFSETS_BACK, MAX_UNIX_MS, MIN_UNIX_MS } from '../wire/since.ts';
import { MAX_WAIT_SECONDS } from '../wire/until.ts';

const CURSOR = {
  description: 'The last id that the client got: the stream goes on after it.',
  schema: { type: 'string' },
};

/** What a stream is asked for, as OpenAPI and JSON Schema put it. */
export const STREAM_PARAMETERS = [
  {
    name: 'format',
    in: 'query',
    description: 'How records are written: the value alone, or one JSON object a record.',
    // An empty value counts as none.
    schema: { type: 'string', enum: [...FORMATS.map(({ name }) => name), ''], default: 'text' },
  },
  {
    name: 'since',
    in: 'query',
    description:
      'Where a client without an id begins: with what comes from now on, at a time (RFC 3339 or ' +
      'Unix milliseconds), or, below zero, so many offsets before the end of each partition.',
    schema: {
      anyOf: [
        { type: 'string', enum: ['latest', ''] },
        { type: 'string', format: 'date-time' },
        { type: 'integer', minimum: -MAX_OFFSETS_BACK, maximum: -1 },
        { type: 'integer', minimum: MIN_UNIX_MS, maximum: MAX_UNIX_MS },
      ],
    },
  },
  {
    name: 'key',
    in: 'query',
    description:
      'Only records with this key; again for more: any of them. Beside it `header.<name>=<text>`: only ' +
      'records of which the last header of that name has the value. All names together must hold.',
    schema: { type: 'array', items: { type: 'string' }, maxItems: 1000 },
  },
  {
    name: 'keyBase64',
    in: 'query',
    description: 'The same for a key in base64, of either alphabet.',
    schema: {
      type: 'array',
      items: {
        type: 'string',
        pattern: '^([A-Za-z0-9+/_-]{4})*([A-Za-z0-9+/_-]{2}(==)?|[A-Za-z0-9+/_-]{3}=?)?$',
      },
      maxItems: 1000,
    },
  },
  {
    name: 'where',
    in: 'query',
    description:
      'Only records for which this is true: CEL over `topic`, `partition`, `offset`, `timestamp`, `key`, ' +
      '`headers` and `value`. Again for more: all of them must be.',
    schema: { type: 'array', items: { type: 'string', format: 'cel', maxLength: 2048 } },
  },
  {
    name: 'every',
    in: 'query',
    description:
      'Once all that was there has been sent, what comes is sent at beats so many milliseconds apart: of a ' +
      'key of a compacted topic the latest record alone. After as long without an event the next comes at ' +
      'once, and gaps never wait. Of a stream that has a beat of its own the longer one counts.',
    schema: {
      anyOf: [
        { type: 'integer', minimum: MIN_EVERY_MS, maximum: MAX_EVERY_MS },
        { type: 'string', enum: [''] },
      ],
    },
  },
  {
    name: 'until',
    in: 'query',
    description:
      'Ends the stream behind the event `live`, once all has been sent that Kafka had when the client ' +
      'came. A stream that ends without it was cut.',
    schema: { type: 'string', enum: ['live', ''] },
  },
  {
    name: 'wait',
    in: 'query',
    description:
      'The same, but where there is nothing it waits for the first, for so many seconds at most.',
    schema: {
      anyOf: [
        { type: 'integer', minimum: 1, maximum: MAX_WAIT_SECONDS },
        { type: 'string', enum: [''] },
      ],
    },
  },
  {
    name: 'If-None-Match',
    in: 'header',
    description: 'With `until` or `wait`: the `ETag` of a document that the client has.',
    schema: { type: 'string' },
  },
  { name: 'Last-Event-ID', in: 'header', ...CURSOR },
  ...CURSOR_QUERY_NAMES.map((name) => ({ name, in: 'query', ...CURSOR })),
] as const;
