import { getLogger } from '@logtape/logtape';
import type { Context } from 'hono';
import type { Identity } from '../auth/identity.ts';
import type { Channel } from '../channels/channels.ts';
import type { Found } from '../channels/path_tree.ts';
import type { Compression } from '../compression/compression.ts';
import type { ClientConnection } from '../ports/client_connection.ts';
import type { Start } from '../stretches/step.ts';
import { type FilterParts, filterParts } from '../views/filter_parts.ts';
import { FORMAT_NAMES, type Format, formatByName, TEXT } from '../views/format.ts';
import type { OpenView } from '../views/open_views.ts';
import { type AnyCursor, cursorFor, findCursor, nameHashOf } from '../wire/cursor.ts';
import { parseSince, SINCE_FORMS, type Since } from '../wire/since.ts';
import { parseUntil } from '../wire/until.ts';
import { answerDocument, wantsDocument } from './document_answer.ts';
import { EventStream } from './event_stream.ts';
import { EVERY_FORMS, parseEvery } from './every.ts';
import { filterOf, parseFilterQuery } from './filter_query.ts';
import type { Gate } from './gate.ts';
import { encodingFor } from './gzip_answer.ts';
import type { OpenStreams } from './open_streams.ts';
import { refuse } from './refusal.ts';
import { PULL_ONLY, pulledFrom } from './stream_body.ts';
import { STREAM_HEAD } from './stream_head.ts';

const logger = getLogger(['sse-kafka', 'http']);

/** More of what a client sends is not kept. */
const MAX_USER_AGENT = 200;
const MAX_PATH_BYTES = 300;

/** Some clients cannot send the header and put the cursor in the query, under one of these names. */
export const CURSOR_QUERY_NAMES = ['lastEventId', 'last_event_id', 'Last-Event-ID'];

const NOT_SERVED =
  'of a compacted topic the filter of a stream takes keys alone, or keys: open: which keys may be told of is not known yet';

/** `GET` and `HEAD` of a channel: its stream. */
export async function streamEvents(
  c: Context<{ Bindings: ClientConnection }>,
  { value: channel, params }: Found<Channel>,
  address: string,
  streams: OpenStreams,
  gate: Gate | null,
  compression: Compression | null,
): Promise<Response> {
  const reader =
    gate === null
      ? null
      : await gate.admit(c, { topic: channel.topic, right: channel.right, params });
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
  const own = parseFilterQuery(new URL(c.req.url).searchParams, channel.topic);
  if (typeof own === 'string') return c.text(`${own}\n`, 400);
  const ofStream = streamFilter(channel, params, reader);
  const { filter, limit } = filterOf(own, ofStream, channel.path, channel.hasOpenKeys);
  if (filter?.guard && channel.feed.description?.compacted === true) {
    return c.text(`${NOT_SERVED}\n`, 400);
  }
  const start = await startOf(cursor, since, channel.topic);
  const asker = {
    path: pathOf(channel, params),
    sub: subOf(reader),
    expiresAt: reader?.expiresAt ?? null,
  };
  // A stream that ends with what was there has no beats.
  const everyMs = until === null ? longest(every, channel.every ?? null) : null;
  const open = (format: Format): OpenView | null =>
    channel.feed.views.open(format, filter, limit, everyMs);
  const encoding = encodingFor(c, channel.compression === false ? null : compression);
  if (until !== null && wantsDocument(c)) {
    const userAgent = loggedUserAgent(c);
    const asked = { channel, address, userAgent, start, until, reader, asker, open, encoding };
    return answerDocument(c, asked, streams);
  }
  const head = { ...STREAM_HEAD, ...encoding.headers };
  if (c.req.method === 'HEAD') return c.body(null, 200, head);
  const openView = open(format);
  const refusal = await streams.admit(address, openView === null ? 'max_views' : null);
  if (openView === null || refusal !== null) {
    openView?.letGo();
    return refuse(c, refusal ?? 'max_views');
  }
  const { view, letGo } = openView;
  const subscribe = () => channel.feed.subscribe(view, start, until);
  const gzip = encoding.compression?.stream(channel.feed, view) ?? null;
  const leave = (): void => {
    gzip?.close();
    letGo();
  };
  const userAgent = loggedUserAgent(c);
  const stream = new EventStream(channel, address, userAgent, subscribe, streams, leave, gzip);
  streams.add(stream, c.env, asker);
  const body = c.env.createBody?.(stream) ?? new ReadableStream(pulledFrom(stream), PULL_ONLY);
  return c.body(body, 200, head);
}

/** Of the cursor of several topics the part of this one; a topic that it does not name is sent from its beginning. */
async function startOf(
  cursor: AnyCursor | null | 'unreadable',
  since: Since | null,
  topic: string,
): Promise<Start> {
  if (cursor === null || cursor === 'unreadable' || !('topics' in cursor)) return { cursor, since };
  return { cursor: cursorFor(cursor, await nameHashOf(topic)), since: null };
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
function pathOf({ path, segments }: Channel, params: Readonly<Record<string, string>>): string {
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
