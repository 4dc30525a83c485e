import { getLogger } from '@logtape/logtape';
import { type Context, Hono } from 'hono';
import type { Identity } from './auth/identity.ts';
import { SignIn } from './auth/sign_in.ts';
import type { SignInPorts } from './auth/sign_in_ports.ts';
import { type Channel, Channels, type Served } from './channels/channels.ts';
import { parametersOf } from './channels/path_pattern.ts';
import { type StreamsFile, withTopics } from './channels/streams_file.ts';
import { Compression } from './compression/compression.ts';
import type { Config } from './config/config.ts';
import { StreamCounts } from './counts/stream_counts.ts';
import type { RegistryToken } from './decode/registry.ts';
import { TopicValues } from './decode/topic_values.ts';
import type { Health } from './describe/admin.ts';
import { asyncapi } from './describe/asyncapi.ts';
import { KeptDocument } from './describe/kept_document.ts';
import { localBrokers } from './describe/local_brokers.ts';
import type { Measured } from './describe/metrics.ts';
import { openapi } from './describe/openapi.ts';
import { asyncapiWithSignIn, openapiWithSignIn } from './describe/sign_in.ts';
import { valueSchemasOf } from './describe/value_schemas.ts';
import { ConfigError } from './errors.ts';
import { Feed } from './feed/feed.ts';
import { ReaderSlots } from './history/reader_slots.ts';
import { clientAddress } from './http/client_address.ts';
import { ClientList, type Clients } from './http/client_list.ts';
import { crossOrigin } from './http/cross_origin.ts';
import { streamEvents } from './http/events.ts';
import { Gate, markPrivate, SIGN_IN_METHODS, SIGN_IN_PATH } from './http/gate.ts';
import { noSniffing } from './http/no_sniffing.ts';
import { OpenStreams } from './http/open_streams.ts';
import { type StaticFiles, staticFileResponse } from './http/static_files.ts';
import type { StreamSlots } from './http/stream_slots.ts';
import type { ClientConnection } from './ports/client_connection.ts';
import type { Compressor } from './ports/compression.ts';
import type { RecordSource } from './ports/source.ts';
import { MergedLogs } from './several/merged_logs.ts';

const logger = getLogger(['sse-kafka', 'http']);

const TOPICS_PATH = '/-/topics';
const READ_METHODS = ['GET', 'HEAD', 'OPTIONS'];

/** Of a path that a stranger asks for. */
const MAX_LOGGED_PATH = 200;

/** Over all topics. With the reads of the feeds they fit the threads of a process, see docs/operate.md. */
const MAX_HISTORY_READERS = 8;
const MAX_SWEEPS = 2;

/** What a gateway asks others by. */
export interface GatewayPorts extends SignInPorts {
  /** Signs in to the schema registry where there is no REGISTRY_USERNAME. */
  readonly registryToken?: RegistryToken | null;
}

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
  /** What it serves, which may change at any time: at the start each topic of the settings. */
  readonly channels: Channels;
  /** Serves what a streams file says, beside the topics of the settings, in the place of the one before. */
  serve(file: StreamsFile): void;
  /** Who is connected. */
  readonly clients: Clients;
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
 * @param ports what a sign-in and the schema registry are asked by; not needed without both
 * @param compressor what streams are compressed by; not needed without COMPRESSION
 * @throws ConfigError where a sign-in or a compression is set and lacks them
 */
export function createGateway(
  config: Config,
  source: RecordSource,
  files: StaticFiles,
  slots: StreamSlots,
  ports: GatewayPorts | null = null,
  compressor: Compressor | null = null,
): Gateway {
  const feedBytes = config.feedMemoryMb * 2 ** 20;
  const readers = {
    history: new ReaderSlots(MAX_HISTORY_READERS),
    sweeps: new ReaderSlots(MAX_SWEEPS),
  };
  const counts = new StreamCounts();
  const values = new TopicValues(config, ports?.web ?? null, ports?.registryToken);
  const channels = new Channels((topic, kind) => {
    counts.addTopic(topic);
    return new Feed(topic, values.of(source, topic, kind), feedBytes, readers, {
      maxScannedViews: config.maxScannedViews,
    });
  });
  for (const topic of config.topics) channels.add({ path: `/${topic}`, topic });
  const streams = new OpenStreams(config, slots, counts);
  const compression = compressionOf(config, compressor);
  const merged = new MergedLogs(counts.merges);
  const signIn = SignIn.create(config, ports);
  const gate = signIn === null ? null : new Gate(signIn, config);

  const app = new Hono<{ Bindings: ClientConnection }>();
  app.use(noSniffing);
  const hasSignIn = (path: string): boolean => path === SIGN_IN_PATH && gate?.makesCookie === true;
  app.use(
    crossOrigin(config.corsOrigins, (path, isListed) =>
      isListed && hasSignIn(path) ? SIGN_IN_METHODS : READ_METHODS,
    ),
  );
  const brokers = localBrokers(config);
  const known = (served: readonly Served[]) =>
    valueSchemasOf(served, (topic) => values.schemasOf(topic));
  const documents = new Map<string, Document>([
    [TOPICS_PATH, (served) => ({ topics: served.map(describeChannel) })],
    [
      '/-/openapi.json',
      (served) => {
        const description = openapi({ ...config, ...named(served), values: known(served) });
        return gate === null ? description : openapiWithSignIn(description, gate.makesCookie);
      },
    ],
    [
      '/-/asyncapi.json',
      (served) => {
        const description = asyncapi({ ...config, ...named(served), values: known(served) });
        return gate === null ? description : asyncapiWithSignIn(description);
      },
    ],
  ]);
  const kept = new Map([...documents.keys()].map((path) => [path, new KeptDocument()]));
  const factsOf = ({ topic, feed }: Channel): unknown[] => [
    feed.description,
    ...values.schemasOf(topic),
  ];
  app.all('*', async (c) => {
    const { path, method } = c.req;
    if (hasSignIn(path)) {
      const isTaken = SIGN_IN_METHODS.includes(method);
      return isTaken ? marked(await gate!.cookie(c)) : notTaken(c, SIGN_IN_METHODS);
    }
    const { pathname } = new URL(c.req.url);
    const found = channels.find(pathname);
    const document = documents.get(path);
    const file = found === null ? staticFileResponse(files, c.req.raw) : null;
    const channel = found ?? (file === null ? channels.findSeveral(pathname) : null);
    if (channel === null && document === undefined && file === null) return c.notFound();
    if (!READ_METHODS.includes(method)) return notTaken(c, READ_METHODS);
    if (channel !== null) {
      const forwardedFor = c.req.header('x-forwarded-for');
      const address = clientAddress(c.env.address, forwardedFor, config.trustProxy);
      const response = streamEvents(c, channel, address, streams, gate, compression, merged);
      return gate === null ? response : marked(await response);
    }
    if (document === undefined) return file!;
    if (path === TOPICS_PATH && brokers !== null) c.header('kafka-brokers', brokers);
    const listed = [...channels].filter(({ segments }) => parametersOf(segments).length === 0);
    const reader = gate === null ? null : await gate.admit(c, null);
    if (reader instanceof Response) return marked(reader);
    const served = reader === null ? listed : permittedTo(reader, gate!, listed);
    const facts = served.flatMap((one) => [one, ...one.parts.flatMap(factsOf)]);
    const bytes = kept.get(path)!.of(facts, () => document(served));
    const response = c.body(bytes, 200, { 'content-type': 'application/json' });
    return gate === null ? response : marked(response);
  });
  app.notFound((c) => {
    const path = c.req.path.slice(0, MAX_LOGGED_PATH);
    logger.debug('Nothing is served at {path}', { path, address: c.env.address });
    return c.text('Not found: neither a topic that is served here nor a file\n', 404);
  });
  app.onError((error, c) => {
    logger.error('Request failed: {error}', { error, path: c.req.path });
    return c.text('Internal error\n', 500);
  });

  const health = (): Health => {
    const { up, error } = source.status();
    const missing = streams.isDraining ? ['this gateway is about to end'] : [];
    const ofSignIn = signIn?.authority.missing ?? null;
    if (ofSignIn !== null) missing.push(ofSignIn);
    const registry = values.schemas?.status;
    return {
      missing: [...missing, ...channels.missing],
      brokers: { up, error },
      ...(registry === undefined ? {} : { registry }),
    };
  };
  return {
    fetch: (request, connection) => app.fetch(request, connection),
    health,
    channels,
    clients: new ClientList(streams),
    serve: (file) => channels.replace(withTopics(config.topics, file)),
    measured: {
      get feeds() {
        return channels.feeds;
      },
      streams: counts,
      source,
      signIn,
      decoding: values.counts,
      registry: values.schemas,
      reloads: { ok: 0, faulty: 0 },
    },
    async run(signal) {
      signal.addEventListener('abort', () => streams.endAll(), { once: true });
      signal.addEventListener('abort', () => values.schemas?.close(), { once: true });
      await Promise.all([channels.run(signal), signIn?.authority.run(signal)]);
    },
    drain: (milliseconds) => streams.drain(milliseconds),
  };
}

function compressionOf(config: Config, compressor: Compressor | null): Compression | null {
  if (config.compression === 'off') return null;
  if (compressor !== null) return new Compression(compressor);
  const words = 'this gateway was made without anything that compresses';
  throw new ConfigError([{ setting: 'COMPRESSION', expected: 'off', words }]);
}

/** What describes those channels that whoever asks may read. */
type Document = (served: readonly Served[]) => object;

function permittedTo(reader: Identity, gate: Gate, channels: readonly Served[]): Served[] {
  const params = {};
  return channels.filter(({ parts }) =>
    parts.every(({ topic, right }) => gate.permits(reader, { topic, right, params })),
  );
}

function notTaken(c: Context, methods: readonly string[]): Response {
  const names = `${methods.slice(0, -1).join(', ')} and ${methods.at(-1)}`;
  return c.text(`Only ${names}\n`, 405, { allow: methods.join(', ') });
}

function marked(response: Response): Response {
  markPrivate(response);
  return response;
}

/** Topics by their names, the paths of streams, those of which the values are read, and those of several topics. */
function named(
  channels: readonly Served[],
): Record<'topics' | 'streams' | 'readPaths' | 'severalPaths', string[]> {
  const ofStreams = channels.filter(({ isStream }) => isStream);
  const ofTopics = channels.filter(({ isStream }) => !isStream);
  return {
    topics: ofTopics.map(({ topic }) => topic),
    streams: ofStreams.map(({ path }) => path),
    readPaths: channels.flatMap(({ path, parts }) =>
      parts.some(({ value = 'bytes' }) => value !== 'bytes') ? path : [],
    ),
    severalPaths: channels.flatMap(({ path, parts }) => (parts.length > 1 ? path : [])),
  };
}

/** Of several topics what holds for all of them, and each by itself. */
function describeChannel({ path, topic, parts }: Served): object {
  const topics = parts.map(describeTopic);
  if (topics.length === 1) return { name: topic, path, ...topics[0] };
  const [first] = topics;
  const compacted = topics.every((one) => one.compacted === first!.compacted)
    ? first!.compacted
    : null;
  const retentions = topics.flatMap(({ deleteRetentionMs }) => deleteRetentionMs ?? []);
  const deleteRetentionMs = retentions.length === 0 ? null : Math.min(...retentions);
  return { name: topic, path, compacted, deleteRetentionMs, value: null, topics };
}

function describeTopic({ topic, value = 'bytes', feed: { description } }: Channel) {
  return {
    name: topic,
    compacted: description?.compacted ?? null,
    deleteRetentionMs: description?.deleteRetentionMs ?? null,
    value,
  };
}
