import { getLogger } from '@logtape/logtape';
import type { Context } from 'hono';
import type { Identity } from '../auth/identity.ts';
import type { Channel, Served } from '../channels/channels.ts';
import type { Found } from '../channels/path_tree.ts';
import type { Compression } from '../compression/compression.ts';
import type { ClientConnection } from '../ports/client_connection.ts';
import type { MergedLogs } from '../several/merged_logs.ts';
import { type FilterParts, filterParts } from '../views/filter_parts.ts';
import { FORMAT_NAMES, type Format, formatByName, TEXT } from '../views/format.ts';
import { findCursor, MAX_PARTITIONS, MAX_TOPICS } from '../wire/cursor.ts';
import { parseSince, SINCE_FORMS } from '../wire/since.ts';
import { parseUntil } from '../wire/until.ts';
import { answerDocument, wantsDocument } from './document_answer.ts';
import { EventStream } from './event_stream.ts';
import { EVERY_FORMS, parseEvery } from './every.ts';
import { filterOf, parseFilterQuery } from './filter_query.ts';
import type { Gate } from './gate.ts';
import { encodingFor } from './gzip_answer.ts';
import type { OpenStreams } from './open_streams.ts';
import { openReading, type WantedTopic } from './reading.ts';
import { refuse } from './refusal.ts';
import { PULL_ONLY, pulledFrom } from './stream_body.ts';
import { STREAM_HEAD } from './stream_head.ts';

const logger = getLogger(['sse-kafka', 'http']);

/** More of what a client sends is not kept. */
const MAX_USER_AGENT = 200;
const MAX_PATH_BYTES = 300;

/** Some clients cannot send the header and put the cursor in the query, under one of these names. */
export const CURSOR_QUERY_NAMES = ['lastEventId', 'last_event_id', 'Last-Event-ID'];

/** `GET` and `HEAD` of a channel: its stream. */
export async function streamEvents(
  c: Context<{ Bindings: ClientConnection }>,
  { value: channel, params }: Found<Served>,
  address: string,
  streams: OpenStreams,
  gate: Gate | null,
  compression: Compression | null,
  merged: MergedLogs,
): Promise<Response> {
  const { parts } = channel;
  const wanted = [...new Set(parts)].map(({ topic, right }) => ({ topic, right, params }));
  const reader = gate === null ? null : await gate.admit(c, wanted);
  if (reader instanceof Response) return reader;
  const format = formatByName(c.req.query('format') || TEXT.name);
  if (format === undefined) return c.text(`format takes ${FORMAT_NAMES}\n`, 400);
  const since = parseSince(c.req.query('since'));
  if (since === 'invalid') return c.text(`${SINCE_FORMS}\n`, 400);
  const until = parseUntil(c.req.query('until'), c.req.query('wait'));
  if (typeof until === 'string') return c.text(`${until}\n`, 400);
  const every = parseEvery(c.req.query('every'));
  if (every === 'invalid') return c.text(`${EVERY_FORMS}\n`, 400);
  const cursor = findCursor([
    c.req.header('last-event-id'),
    ...CURSOR_QUERY_NAMES.flatMap((name) => c.req.queries(name) ?? []),
  ]);
  const isDocument = until !== null && wantsDocument(c);
  const fault = faultOfSeveral(channel, isDocument ? null : format);
  const topics = fault ?? (await wantedTopics(c, channel, params, reader));
  if (typeof topics === 'string') return c.text(`${topics}\n`, 400);
  const start = { cursor, since };
  const asker = {
    path: pathOf(channel, params),
    sub: subOf(reader),
    expiresAt: reader?.expiresAt ?? null,
  };
  // A stream that ends with what was there has no beats.
  const ofParts = parts.map((part) => part.every ?? null).reduce(longest);
  const everyMs = until === null ? longest(every, ofParts) : null;
  const isPlain = parts.some((part) => part.compression === false);
  const encoding = encodingFor(c, isPlain ? null : compression);
  if (isDocument) {
    const userAgent = loggedUserAgent(c);
    const asked = { channel, topics, address, userAgent, start, until, reader, asker, encoding };
    return answerDocument(c, asked, streams, merged);
  }
  const head = { ...STREAM_HEAD, ...encoding.headers };
  if (c.req.method === 'HEAD') return c.body(null, 200, head);
  const reading = openReading(topics, format, everyMs, merged);
  const refusal = await streams.admit(address, reading === null ? 'max_views' : null);
  if (reading === null || refusal !== null) {
    reading?.letGo();
    return refuse(c, refusal ?? 'max_views');
  }
  const subscribe = () => reading.subscribe(start, until);
  const gzip = encoding.compression?.stream(...reading.sharedBy) ?? null;
  const userAgent = loggedUserAgent(c);
  // No function that is made here: it would hold the request and its response as long as the stream.
  const { letGo } = reading;
  const stream = new EventStream(channel, address, userAgent, subscribe, streams, letGo, gzip);
  streams.add(stream, c.env, asker);
  const response = c.body(new ReadableStream(pulledFrom(stream), PULL_ONLY), 200, head);
  c.env.streams?.(response, stream);
  return response;
}

/** What is asked for of each topic. @returns what is wrong with it, in words */
async function wantedTopics(
  c: Context,
  { parts }: Served,
  params: Readonly<Record<string, string>>,
  reader: Identity | null,
): Promise<WantedTopic[] | string> {
  const query = new URL(c.req.url).searchParams;
  const topics: WantedTopic[] = [];
  for (const channel of parts) {
    const own = parseFilterQuery(query, channel.topic);
    if (typeof own === 'string') return own;
    const ofStream = streamFilter(channel, params, reader);
    const { path, feed, hasOpenKeys, whereSince } = channel;
    const { filter, limit: most } = filterOf(own, ofStream, path, hasOpenKeys, whereSince);
    // On other topics nothing is kept for it.
    const lingers = most?.lingers === true && feed.description?.compacted === true;
    const limit = most === null ? null : { ...most, lingers };
    topics.push({ channel, nameHash: await feed.nameHash, filter, limit });
  }
  const hashes = new Set(topics.map(({ nameHash }) => nameHash.join()));
  return hashes.size < topics.length
    ? 'two of these topics have names that ids cannot tell apart'
    : topics;
}

/** What several topics in one stream do not take, in words. @param format null: that of a document */
function faultOfSeveral({ parts }: Served, format: Format | null): string | null {
  if (parts.length === 1) return null;
  if (parts.length > MAX_TOPICS) return `a stream takes at most ${MAX_TOPICS} topics`;
  const feeds = new Set(parts.map(({ feed }) => feed));
  if (feeds.size < parts.length) return 'each topic of a stream is named once';
  if (format === TEXT) return 'several topics in one stream take format=json';
  const partitions = [...feeds].reduce((sum, feed) => sum + (feed.description?.partitions ?? 0), 0);
  return partitions > MAX_PARTITIONS
    ? `a stream takes at most ${MAX_PARTITIONS} partitions in all its topics`
    : null;
}

function longest(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.max(a, b);
}

/** What the stream itself lets through to whoever asks. */
function streamFilter(
  { where, topic }: Channel,
  params: Readonly<Record<string, string>>,
  reader: Identity | null,
): FilterParts | null {
  if (where === null) return null;
  const { claims, scopes } = reader ?? {};
  return filterParts(where.given({ claims, scopes, params, topic }));
}

/** Bytes of its own: what is cut out of a request's address would keep all of that. */
function pathOf({ path, segments }: Served, params: Readonly<Record<string, string>>): string {
  if (Object.keys(params).length === 0) return path;
  const parts = segments.map((part) => ('literal' in part ? part.literal : params[part.parameter]));
  const bytes = new TextEncoder().encode(`/${parts.join('/')}`);
  return new TextDecoder().decode(bytes.subarray(0, MAX_PATH_BYTES));
}

function subOf(reader: Identity | null): string | null {
  const sub = reader?.claims['sub'];
  return typeof sub === 'string' ? sub : null;
}

/** Kept for the log alone: of ten thousand streams it would be megabytes. */
function loggedUserAgent(c: Context): string | null {
  if (!logger.isEnabledFor('debug')) return null;
  return c.req.header('user-agent')?.slice(0, MAX_USER_AGENT) ?? null;
}
