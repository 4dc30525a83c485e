import { getLogger } from '@logtape/logtape';
import { Hono } from 'hono';
import type { Config } from './config/config.ts';
import { StreamCounts } from './counts/stream_counts.ts';
import type { Health } from './describe/admin.ts';
import { asyncapi } from './describe/asyncapi.ts';
import type { Measured } from './describe/metrics.ts';
import { openapi } from './describe/openapi.ts';
import { Feed } from './feed/feed.ts';
import { ReaderSlots } from './history/reader_slots.ts';
import { clientAddress } from './http/client_address.ts';
import type { ClientConnection } from './http/client_connection.ts';
import { crossOrigin } from './http/cross_origin.ts';
import { streamEvents } from './http/events.ts';
import { noSniffing } from './http/no_sniffing.ts';
import { OpenStreams } from './http/open_streams.ts';
import { type StaticFiles, staticFileResponse } from './http/static_files.ts';
import type { StreamSlots } from './http/stream_slots.ts';
import type { RecordSource } from './ports/source.ts';

const logger = getLogger(['sse-kafka', 'http']);

const READ_METHODS = ['GET', 'HEAD', 'OPTIONS'];

/** Over all topics. With the reads of the feeds they fit the threads of a process, see docs/operate.md. */
const MAX_HISTORY_READERS = 8;
const MAX_SWEEPS = 2;

/** A gateway: what answers requests, and the reading behind it. */
export interface Gateway {
  /**
   * Streams, static files, and what describes them below `/-/`. Answers whatever it is asked; it
   * does not throw.
   * @param connection the one that the request came by, and its answer
   */
  fetch(request: Request, connection: ClientConnection): Response | Promise<Response>;
  /** Whether it is ready, and what it lacks. */
  health(): Health;
  /** What the metrics are read from. */
  readonly measured: Measured;
  /**
   * Reads the topics until the signal aborts, which ends the streams, too. To be called once; brokers
   * that do not answer are asked again.
   */
  run(signal: AbortSignal): Promise<void>;
  /**
   * Takes no more streams, is not ready any more, and ends the open ones at random moments within
   * so many milliseconds. Done at once where none is open.
   */
  drain(milliseconds: number): Promise<void>;
}

/**
 * Puts a gateway together; nothing is read before `run`.
 *
 * @param source what records are read from; closed by whoever made it
 * @param files what is served beside the streams, by path
 * @param slots who lets streams in
 */
export function createGateway(
  config: Config,
  source: RecordSource,
  files: StaticFiles,
  slots: StreamSlots,
): Gateway {
  const feedBytes = config.feedMemoryMb * 2 ** 20;
  const readers = {
    history: new ReaderSlots(MAX_HISTORY_READERS),
    sweeps: new ReaderSlots(MAX_SWEEPS),
  };
  const feeds = new Map(
    config.topics.map((topic) => [topic, new Feed(topic, source, feedBytes, readers)]),
  );
  const counts = new StreamCounts(config.topics);
  const streams = new OpenStreams(config, slots, counts);

  const app = new Hono<{ Bindings: ClientConnection }>();
  app.use(noSniffing);
  app.use(crossOrigin(config.corsOrigins, READ_METHODS.join(', ')));
  const documents = new Map<string, () => object>([
    ['/-/topics', () => ({ topics: [...feeds.values()].map(describeTopic) })],
    ['/-/openapi.json', () => openapi(config)],
    ['/-/asyncapi.json', () => asyncapi(config)],
  ]);
  app.all('*', (c) => {
    const feed = feeds.get(topicOf(c.req.path));
    const document = documents.get(c.req.path);
    const file = feed === undefined ? staticFileResponse(files, c.req.raw) : null;
    if (feed === undefined && document === undefined && file === null) return c.notFound();
    if (!READ_METHODS.includes(c.req.method)) {
      return c.text('Only GET, HEAD and OPTIONS\n', 405, { allow: READ_METHODS.join(', ') });
    }
    if (feed !== undefined) {
      const forwardedFor = c.req.header('x-forwarded-for');
      const address = clientAddress(c.env.address, forwardedFor, config.trustProxy);
      return streamEvents(c, feed, address, streams);
    }
    return document === undefined ? file! : c.json(document());
  });
  app.notFound((c) => c.text('Not found: neither a topic that is served here nor a file\n', 404));
  app.onError((error, c) => {
    logger.error('Request failed: {error}', { error, path: c.req.path });
    return c.text('Internal error\n', 500);
  });

  const health = (): Health => {
    const topics = [...feeds.values()]
      .map((feed) => feed.missing)
      .filter((words) => words !== null);
    const { up, error } = source.status();
    const missing = streams.isDraining ? ['this gateway is about to end', ...topics] : topics;
    return { missing, brokers: { up, error } };
  };
  return {
    fetch: (request, connection) => app.fetch(request, connection),
    health,
    measured: { feeds: [...feeds.values()], streams: counts, source },
    async run(signal) {
      signal.addEventListener('abort', () => streams.endAll(), { once: true });
      await Promise.all([...feeds.values()].map((feed) => feed.run(signal)));
    },
    drain: (milliseconds) => streams.drain(milliseconds),
  };
}

function describeTopic({ topic, description }: Feed): object {
  return {
    name: topic,
    path: `/${topic}`,
    compacted: description?.compacted ?? null,
    deleteRetentionMs: description?.deleteRetentionMs ?? null,
  };
}

/** The topic that a path names, if it is one; decoded once, as static files are. */
function topicOf(path: string): string {
  try {
    return decodeURIComponent(path.slice(1));
  } catch {
    return '';
  }
}
