import type { Context } from 'hono';
import type { Identity } from '../auth/identity.ts';
import type { Served } from '../channels/channels.ts';
import type { ClientConnection } from '../ports/client_connection.ts';
import type { EndReason } from '../ports/stream_observer.ts';
import type { MergedLogs } from '../several/merged_logs.ts';
import type { StartOfSeveral } from '../several/several_cursors.ts';
import { formatByName } from '../views/format.ts';
import { parseAnyCursor } from '../wire/cursor.ts';
import type { Until } from '../wire/until.ts';
import { Document } from './document.ts';
import type { Encoding } from './gzip_answer.ts';
import type { OpenStreams } from './open_streams.ts';
import { randomBetween } from './random_between.ts';
import { openReading, type Reading, type WantedTopic } from './reading.ts';
import { names, refuse } from './refusal.ts';
import { refuseSignIn } from './sign_in_refusal.ts';
import { PULL_ONLY, pulledFrom } from './stream_body.ts';
import type { Asker } from './stream_watch.ts';

/** How long a topic may take to be loaded, and what is known by its brokers on top, in milliseconds. */
const LOAD_MS = 10_000;
const ANSWER_MS = 25_000;
/** Of `If-None-Match`: each is looked for in the topic. */
const MAX_TAGS = 4;

/** In words, where it is not the gateway's own end nor that of the token. */
const ENDED: Partial<Record<EndReason, string>> = {
  config: 'What is served here has changed',
  max_age: 'It took longer than MAX_AGE_SECONDS to begin',
};

const FORMAT = formatByName('json')!;

/** What is asked for. */
interface Asked {
  readonly channel: Served;
  readonly topics: readonly WantedTopic[];
  readonly address: string;
  readonly userAgent: string | null;
  readonly start: StartOfSeveral;
  readonly until: Until;
  /** Who asks, where that is known. */
  readonly reader: Identity | null;
  readonly asker: Asker;
  readonly encoding: Encoding;
}

/** Whether a client that wants what was there takes it as one document. */
export function wantsDocument(c: Context): boolean {
  return names(c, 'application/json') && !names(c, 'text/event-stream');
}

/** `GET` and `HEAD` of what was there as one document, or 304 where its client has that already. */
export async function answerDocument(
  c: Context<{ Bindings: ClientConnection }>,
  asked: Asked,
  streams: OpenStreams,
  merged: MergedLogs,
): Promise<Response> {
  const { channel, topics, address, userAgent, start, until, reader, asker, encoding } = asked;
  const isHead = c.req.method === 'HEAD';
  const reading = openReading(topics, FORMAT, null, merged);
  const lacks = reading === null ? 'max_views' : null;
  const refusal = isHead ? lacks : await streams.admit(address, lacks);
  if (reading === null || refusal !== null) {
    reading?.letGo();
    return refuse(c, refusal ?? 'max_views');
  }
  const waitMs = isHead ? 0 : until.waitMs;
  const subscription = reading.subscribe(start, { waitMs }, true);
  const { letGo } = reading;
  const gzip = encoding.compression?.document() ?? null;
  const document = new Document(channel, address, userAgent, subscription, streams, letGo, gzip);
  if (!isHead) streams.add(document, c.env, asker);
  const { signal } = c.req.raw;
  const leave = (): void => document.cancel();
  signal.addEventListener('abort', leave, { once: true });
  // It may have left while it was asked who it is, and whether there is room.
  if (signal.aborted) leave();
  try {
    const beginning = await document.begin(LOAD_MS, ANSWER_MS + waitMs);
    if (beginning === 'late') {
      document.end('error');
      return notLoaded(c, channel);
    }
    if (beginning !== 'known') return endedBefore(c, beginning);
    const mark = await markOf(topics, reader);
    const headers = {
      etag: `W/"${withoutTime(document.id)}.${mark}"`,
      'cache-control': 'private, no-cache',
      vary: ['accept, last-event-id', encoding.headers['vary'] ?? []].flat().join(', '),
    };
    const tags = tagsOf(c.req.header('if-none-match'), mark);
    const isKnown = tags.includes(withoutTime(document.id));
    if (isKnown || (await hasAll(tags, reading, asked, streams, signal))) {
      document.end('done');
      return c.body(null, 304, headers);
    }
    const head = { ...encoding.headers, ...headers, 'content-type': 'application/json' };
    if (!isHead) return c.body(new ReadableStream(pulledFrom(document), PULL_ONLY), 200, head);
    document.end('done');
    return c.body(null, 200, head);
  } catch (error) {
    document.end('error');
    throw error;
  } finally {
    signal.removeEventListener('abort', leave);
  }
}

/** Answers for a document that was ended before its head was known. */
function endedBefore(c: Context<{ Bindings: ClientConnection }>, reason: EndReason): Response {
  if (reason === 'drain') return refuse(c, 'drain');
  if (reason === 'expired') return refuseSignIn(c, 'expired', true);
  const why = ENDED[reason] ?? 'It was ended';
  const seconds = `${randomBetween(1, 3)}`;
  return c.text(`${why}; try again in ${seconds} s\n`, 503, { 'retry-after': seconds });
}

function notLoaded(c: Context, { parts }: Served): Response {
  const seconds = `${randomBetween(5, 10)}`;
  const [first] = parts;
  const { feed } = parts.find((part) => part.feed.loadedLog === null) ?? first!;
  const why = feed.missing ?? `topic ${feed.topic} is being loaded`;
  return c.text(`Not there yet: ${why}; try again in ${seconds} s\n`, 503, {
    'retry-after': seconds,
  });
}

/** Of view and user: a tag counts for no other. */
async function markOf(topics: readonly WantedTopic[], reader: Identity | null): Promise<string> {
  const filters = topics.map(({ filter }) => filter?.name ?? null);
  if (reader === null && filters.every((name) => name === null)) return FORMAT.name;
  const { iss, sub } = (reader?.claims ?? {}) as { iss?: unknown; sub?: unknown };
  const user = sub === undefined ? (reader?.claims ?? null) : [iss, sub];
  const ofBoth = JSON.stringify([user, ...filters]);
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(ofBoth));
  const hex = [...new Uint8Array(digest, 0, 8)].map((byte) => byte.toString(16).padStart(2, '0'));
  return `${FORMAT.name}-${hex.join('')}`;
}

/** The ids of documents that a client has of this view and user. */
function tagsOf(ifNoneMatch: string | undefined, mark: string): readonly string[] {
  const tags = ifNoneMatch?.match(/(?<=")[^"]*(?=")/g)?.filter((tag) => tag.endsWith(`.${mark}`));
  return (tags ?? []).slice(0, MAX_TAGS).map((tag) => tag.slice(0, -mark.length - 1));
}

/**
 * Whether nothing came for the client, a gap neither, since one of the documents that it has, though
 * their ids are others. Of a compacted topic nobody can tell: a delete that was written since may be
 * gone by now, and a tag does not say how old it is.
 * @param signal aborts once the client has left: nothing is asked for it any more
 */
async function hasAll(
  ids: readonly string[],
  reading: Reading,
  { channel, address }: Asked,
  streams: OpenStreams,
  signal: AbortSignal,
): Promise<boolean> {
  const isPlain = channel.parts.every(({ feed }) => feed.description?.compacted === false);
  for (const id of isPlain ? ids : []) {
    const cursor = parseAnyCursor(id);
    if (cursor === null) continue;
    if (signal.aborted) return false;
    const start = { cursor, since: null };
    const subscription = reading.subscribe(start, { waitMs: 0 }, true);
    const since = new Document(channel, address, null, subscription, streams);
    const leave = (): void => since.cancel();
    signal.addEventListener('abort', leave, { once: true });
    const beginning = await since.begin(LOAD_MS, ANSWER_MS);
    signal.removeEventListener('abort', leave);
    const hasNothing = beginning === 'known' && since.isEmpty;
    since.end('done');
    if (hasNothing) return true;
  }
  return false;
}

function withoutTime(id: string): string {
  return id.split('/')[0]!;
}
