import { Buffer } from 'node:buffer';
import type { API, Broker, Connection } from '@platformatic/kafka';
import { coalesced } from '../../../app/waits/coalesced.ts';
import { FETCH_BY_TOPIC_ID, FETCHES, type FetchedPartition } from '../protocol/fetch_response.ts';
import { harden } from '../protocol/hardened_connection.ts';
import { answerOf, brokerError, errorWords } from '../protocol/platformatic_errors.ts';
import {
  apiVersionsV1,
  ConfigResourceTypes,
  ConnectionPool,
  describeConfigsV2,
  describeConfigsV4,
  listOffsetsV5,
  listOffsetsV7,
  metadataV8,
  metadataV10,
  metadataV12,
} from '../protocol/platformatic_on_node20.ts';
import { BrokerOrder } from './broker_order.ts';
import { expiredCertificate } from './expired_certificate.ts';
import type { FetchSession } from './fetch_session.ts';
import { Gate } from './gate.ts';
import { CLIENT_ID, type KafkaConnection } from './kafka_connection.ts';
import { clientOptions, MAX_UNDER_WAY, tlsOptions } from './platformatic_config.ts';
import { signInAgainAlone } from './token_sign_in.ts';
import type { Asked, Leader, TopicMetadata } from './topic_leaders.ts';

/** Newest first; the oldest are those of Kafka 2.3. */
const METADATA = [metadataV12.api, metadataV10.api, metadataV8.api] as MetadataApi[];
const DESCRIBE_CONFIGS = [describeConfigsV4.api, describeConfigsV2.api];
const LIST_OFFSETS = [listOffsetsV7.api, listOffsetsV5.api];

const READ_COMMITTED = 1;
const CONSUMER = -1;
/** A fetch waits so long for a record, unless there is one. */
const FETCH_WAIT_MS = 500;
/** Of one response, and of one partition in it: bounds memory, and how long its decoding takes. */
const FETCH_BYTES = 1024 * 1024;
const FETCH_MIN_BYTES = 1;
const NO_RACK = '';

const UNKNOWN_TOPIC = 3;
const TOPIC_AUTHORIZATION_FAILED = 29;
/** Deno's words for a certificate that it does not trust, for whatever reason. */
const MAY_HAVE_EXPIRED = /unable to verify the first certificate/;

/** Offsets that are asked for as times. */
export const LATEST = -1;
export const EARLIEST = -2;

/** An offset that a broker tells, or why it does not. */
export interface ListedOffset {
  readonly partition: number;
  readonly errorCode: number;
  readonly offset: number;
}

/** What a leader sent. */
export interface Fetch {
  /** Whether the topic was asked for by its name, as another one may have by now. */
  readonly byName: boolean;
  readonly partitions: readonly FetchedPartition[];
}

type MetadataResponse = Awaited<ReturnType<typeof metadataV12.api.async>>;
type MetadataApi = API<
  [topics: string[], createThem: boolean, withRights: boolean],
  MetadataResponse
>;

/** Connections to the brokers, and the requests that go over them. */
export class KafkaClient {
  readonly #pool: InstanceType<typeof ConnectionPool>;
  readonly #connections = new Set<Connection>();
  /**
   * A connection that is closed fails those that it has queued one within the other: some thousand
   * overflow the stack, and the process ends. So they wait here, and it never has a queue.
   */
  readonly #gates = new WeakMap<Connection, Gate>();
  readonly #versions = new WeakMap<Connection, Promise<ReadonlyMap<number, number>>>();
  /** What broke a connection; one that is closed does not say it. */
  readonly #errors = new WeakMap<Connection, unknown>();
  readonly #brokers: BrokerOrder;
  /** By topic: of those who ask at the same time one asks for all. */
  readonly #metadata = new Map<string, () => Promise<TopicMetadata | null>>();

  readonly #connection: KafkaConnection;
  /** The pool's own, which each of its connections begins with. */
  readonly #tls: object;
  #isClosed = false;

  constructor(connection: KafkaConnection) {
    this.#brokers = BrokerOrder.of(connection);
    this.#connection = connection;
    const options = clientOptions(connection);
    this.#tls = options.tls ?? {};
    this.#pool = new ConnectionPool(CLIENT_ID, options);
    const { sasl } = connection;
    const isTls = connection.tls !== null;
    this.#pool.on('connecting', ({ connection }) => {
      this.#connections.add(connection);
      harden(connection, isTls);
      if (sasl !== null) {
        signInAgainAlone(connection, this.#gateOf(connection), 'tokens' in sasl ? sasl : null);
      }
      // Who asks is told; without a listener an error would end the process.
      connection.on('error', (error) => this.#errors.set(connection, error));
      connection.on('close', () => this.#connections.delete(connection));
    });
    this.#pool.on('failed', ({ connection }) => this.#drop(connection));
  }

  /**
   * The topic as the brokers know it now; `null` when it does not exist.
   * @throws when none of them can be asked.
   */
  metadata(topic: string): Promise<TopicMetadata | null> {
    const ask = this.#metadata.get(topic) ?? coalesced(() => this.#askMetadata(topic));
    this.#metadata.set(topic, ask);
    return ask();
  }

  /** `null` for each topic that does not exist; those are left out of which the broker does not tell. */
  async ids(topics: string[]): Promise<Map<string, Uint8Array | null>> {
    const ids = new Map<string, Uint8Array | null>();
    for (const { name, errorCode, topicId } of (await this.#askBroker(topics)).topics) {
      if (!name) continue;
      if (errorCode === 0) ids.set(name, idBytes(topicId));
      else if (errorCode === UNKNOWN_TOPIC) ids.set(name, null);
    }
    return ids;
  }

  async #askBroker(topics: string[]): Promise<MetadataResponse> {
    const { broker, answer } = await this.#brokers.ask(async (broker) => {
      const connection = await this.#connect(broker);
      const api = await this.#api(connection, METADATA);
      const request = (): Promise<MetadataResponse> => api.async(connection, topics, false, false);
      return { broker, answer: await this.#answer(connection, request) };
    });
    this.#brokers.answered(broker, answer.brokers);
    return answer;
  }

  async #askMetadata(topic: string): Promise<TopicMetadata | null> {
    const answer = await this.#askBroker([topic]);
    const brokers = new Map(answer.brokers.map((broker) => [broker.nodeId, broker]));
    const known = answer.topics.find(({ name }) => name === topic);
    if (known === undefined || known.errorCode === UNKNOWN_TOPIC) return null;
    if (known.errorCode !== 0) throw brokerError(known.errorCode, `topic ${topic}`);
    const leaders: (Leader | null)[] = [];
    for (const { partitionIndex, leaderId, leaderEpoch } of known.partitions) {
      const broker = brokers.get(leaderId);
      const name = `${broker?.host}:${broker?.port}`;
      leaders[partitionIndex] = broker ? { name, epoch: leaderEpoch, broker } : null;
    }
    return { name: topic, id: known.topicId, idBytes: idBytes(known.topicId), leaders, brokers };
  }

  /**
   * Settings of a topic; `null` without the right to read them.
   * @throws when they cannot be asked for.
   */
  async configs(topic: string, names: string[]): Promise<Map<string, string | null> | null> {
    const { TOPIC: resourceType } = ConfigResourceTypes;
    const resource = { resourceType, resourceName: topic, configurationKeys: names };
    const { results } = await this.#brokers.ask(async (broker) => {
      const connection = await this.#connect(broker);
      const api = await this.#api(connection, DESCRIBE_CONFIGS);
      return this.#answer(connection, () => api.async(connection, [resource]));
    });
    const [{ errorCode, configs }] = results as [(typeof results)[number]];
    if (errorCode === TOPIC_AUTHORIZATION_FAILED) return null;
    if (errorCode !== 0) throw brokerError(errorCode, `settings of topic ${topic}`);
    return new Map(configs.map(({ name, value }) => [name, value ?? null]));
  }

  /**
   * Offsets of a time in partitions of a topic, asked of their leaders.
   * @throws when one of them cannot be asked.
   */
  async offsets(
    topic: string,
    partitions: readonly number[],
    time: number,
  ): Promise<Map<number, number>> {
    const known = await this.metadata(topic);
    if (known === null) throw brokerError(UNKNOWN_TOPIC, `topic ${topic}`);
    const asked = new Map<Broker, Asked[]>();
    for (const partition of partitions) {
      const leader = known.leaders[partition];
      if (!leader) throw new Error(`partition ${partition} of ${topic} has no leader`);
      const group = asked.get(leader.broker) ?? [];
      asked.set(leader.broker, group);
      group.push({ partition, epoch: leader.epoch, at: time });
    }
    const told = await Promise.all(
      [...asked].map(([broker, group]) => this.listOffsets(broker, topic, group)),
    );
    const found = new Map<number, number>();
    for (const { partition, errorCode, offset } of told.flat()) {
      if (errorCode !== 0) throw brokerError(errorCode, `partition ${partition} of ${topic}`);
      found.set(partition, offset);
    }
    return found;
  }

  /** Offsets of times, of LATEST or of EARLIEST; -1 where no record is so late. */
  async listOffsets(
    broker: Broker,
    topic: string,
    asked: readonly Asked[],
  ): Promise<readonly ListedOffset[]> {
    const connection = await this.#connectToLeader(broker);
    const api = await this.#api(connection, LIST_OFFSETS);
    const partitions = asked.map(({ partition, epoch, at }) => ({
      partitionIndex: partition,
      currentLeaderEpoch: epoch,
      timestamp: BigInt(at),
    }));
    const topics = [{ name: topic, partitions }];
    const answer = await this.#answer(connection, () =>
      api.async(connection, CONSUMER, READ_COMMITTED, topics),
    );
    return answer.topics.flatMap((told) =>
      told.partitions.map(({ partitionIndex, errorCode, offset }) => ({
        partition: partitionIndex,
        errorCode,
        offset: Number(offset),
      })),
    );
  }

  /**
   * What follows these offsets at a broker that has their partitions, once there is something.
   * @param mayName whether a leader may name a nearer broker in its place
   */
  async fetch(
    broker: Broker,
    topic: Pick<TopicMetadata, 'name' | 'id'>,
    asked: readonly Asked[],
    session: FetchSession,
    mayName: boolean,
  ): Promise<Fetch> {
    const connection = await this.#connectToLeader(broker);
    const api = await this.#api(connection, FETCHES);
    const byName = api.version < FETCH_BY_TOPIC_ID;
    const topicId = byName ? topic.name : topic.id;
    const { id, epoch, changed, forgotten } = session.next(asked);
    const partitions = changed.map(({ partition, epoch, at }) => ({
      partition,
      currentLeaderEpoch: epoch,
      fetchOffset: BigInt(at),
      lastFetchedEpoch: -1,
      partitionMaxBytes: FETCH_BYTES,
    }));
    const { sessionId, partitions: fetched } = await this.#answer(connection, () =>
      api.async(
        connection,
        FETCH_WAIT_MS,
        FETCH_MIN_BYTES,
        FETCH_BYTES,
        READ_COMMITTED,
        id,
        epoch,
        partitions.length === 0 ? [] : [{ topicId, partitions }],
        forgotten.length === 0 ? [] : [{ topicId, partitions: [...forgotten] }],
        (mayName ? this.#connection.rack : null) ?? NO_RACK,
      ),
    );
    session.answered(sessionId);
    return { byName, partitions: fetched };
  }

  /** Ends at once what is under way, and leaves no socket open. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([
      this.#pool.close(),
      ...[...this.#connections].map((one) => this.#drop(one)),
    ]);
  }

  /** The newest of some requests that a broker knows. */
  async #api<T extends { readonly key: number; readonly version: number }>(
    connection: Connection,
    candidates: readonly T[],
  ): Promise<T> {
    let asked = this.#versions.get(connection);
    if (asked === undefined) {
      asked = this.#askVersions(connection);
      this.#versions.set(connection, asked);
    }
    const versions = await asked;
    const api = candidates.find(({ key, version }) => version <= (versions.get(key) ?? -1));
    if (api === undefined) {
      const [{ key }] = candidates as readonly [T];
      const newest = versions.get(key) ?? 'none';
      throw new Error(
        `the brokers are older than Kafka 2.3 (of request ${key} they know version ${newest}, not ${candidates.at(-1)!.version})`,
      );
    }
    return api;
  }

  /** A connection to a broker at the address that the brokers tell, which may lead nowhere from here. */
  async #connectToLeader(broker: Broker): Promise<Connection> {
    try {
      return await this.#connect(broker);
    } catch (error) {
      if (this.#brokers.isBootstrap(broker)) throw error;
      const { host, port } = broker;
      throw new Error(`the brokers send their clients to ${host}:${port}`, { cause: error });
    }
  }

  async #connect(broker: Broker): Promise<Connection> {
    try {
      const { tls } = this.#connection;
      if (tls !== null) Object.assign(this.#tls, tlsOptions(tls));
      const connection = await this.#pool.get(broker);
      this.#brokers.connected(broker);
      return connection;
    } catch (error) {
      const why = errorWords(error);
      if (!this.#isClosed) this.#brokers.unreachable(broker, why);
      const expired = MAY_HAVE_EXPIRED.test(why) ? await expiredCertificate(broker, error) : null;
      if (expired !== null) throw expired;
      throw new Error(why, { cause: error });
    }
  }

  async #askVersions(connection: Connection): Promise<ReadonlyMap<number, number>> {
    const { apiKeys } = await this.#answer(connection, () =>
      apiVersionsV1.api.async(connection, '', ''),
    );
    return new Map(apiKeys.map(({ apiKey, maxVersion }) => [apiKey, maxVersion]));
  }

  /** An answer. Brokers that close the connection may have said why before, in a TLS alert. */
  async #answer<T>(connection: Connection, request: () => Promise<T>): Promise<T> {
    try {
      return await this.#gateOf(connection).pass(() => answerOf(request()));
    } catch (error) {
      const cause = this.#errors.get(connection);
      // Who sends what cannot be read is not listened to any more.
      this.#drop(connection);
      throw cause === undefined ? error : new Error(errorWords(cause), { cause });
    }
  }

  #gateOf(connection: Connection): Gate {
    const gate = this.#gates.get(connection) ?? new Gate(MAX_UNDER_WAY);
    this.#gates.set(connection, gate);
    return gate;
  }

  #drop(connection: Connection): void {
    this.#connections.delete(connection);
    // Ends the timer by which it would sign in again, which may be hours.
    if (this.#connection.sasl !== null) connection.close().catch(() => {});
    connection.socket?.destroy();
  }
}

/** The first four of a UUID's bytes. */
function idBytes(uuid: string): Uint8Array {
  return new Uint8Array(Buffer.from(uuid.slice(0, 8), 'hex'));
}
