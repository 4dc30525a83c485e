import { getLogger } from '@logtape/logtape';
import type { Broker } from '@platformatic/kafka';
import type { Offsets, TopicIdentity } from '../../../app/ports/source.ts';
import { abortableDelay, backoff, untilAborted } from '../../../app/waits/abortable.ts';
import type { BrokerHealth } from '../brokers/broker_health.ts';
import { FetchSession } from '../brokers/fetch_session.ts';
import { EARLIEST, type KafkaClient } from '../brokers/kafka_client.ts';
import type { Asked, Leader, TopicMetadata } from '../brokers/topic_leaders.ts';
import type { FetchedPartition } from '../protocol/fetch_response.ts';
import { brokerError } from '../protocol/platformatic_errors.ts';
import { assertSame, TopicCheck } from '../questions/topic_check.ts';
import { UnreadableError } from './fetched_records.ts';

const logger = getLogger(['sse-kafka', 'brokers']);

const OFFSET_OUT_OF_RANGE = 1;
const TOPIC_AUTHORIZATION_FAILED = 29;
/** For so long a replica that is nearer is read: then the leader says anew which one is. */
const FOLLOW_MS = 60_000;
/** For so long all is read from leaders where a nearer replica gave no answer. */
const AVOID_MS = 30_000;
/** The name under which the search for leaders is under way. */
const SEARCH = '';

/** What fetches are made with. */
export interface TopicFetchesOptions {
  readonly client: KafkaClient;
  readonly health: BrokerHealth;
  readonly topic: TopicIdentity;
  /** The offset of each partition to begin at. */
  readonly from: Offsets;
  readonly signal: AbortSignal;
}

/** What one step brought. */
export interface Fetched {
  readonly partitions: readonly FetchedPartition[];
  /** Where partitions go on of which the offset is out of range: at their log start. */
  readonly starts: Offsets;
}

const NOTHING: Fetched = { partitions: [], starts: new Map() };

/**
 * Fetches of a topic's partitions, one at a time at each leader, and none before what that leader
 * sent last was taken. Partitions that cannot be read are looked for anew, at a growing distance,
 * while the others go on.
 */
export class TopicFetches {
  /** Where the next fetch of each partition goes; moved on by `take`. */
  readonly positions: Map<number, number>;
  readonly #client: KafkaClient;
  readonly #health: BrokerHealth;
  readonly #topic: TopicIdentity;
  readonly #check: TopicCheck;
  readonly #signal: AbortSignal;
  /** The topic's whole id. */
  #id = '';
  readonly #leaders = new Map<number, Leader>();
  /** Until when a partition is read from another replica than its leader, of those that are. */
  readonly #followedUntil = new Map<number, number>();
  #brokers: TopicMetadata['brokers'] = new Map();
  /** Until when no leader is to name a nearer replica. */
  #avoidedUntil = 0;
  /** By broker, as `host:port`. */
  readonly #sessions = new Map<string, FetchSession>();
  /** How often in a row a partition could not be read. */
  readonly #failures = new Map<number, number>();
  readonly #underWay = new Map<string, Promise<{ name: string; fetched: Fetched }>>();
  /** Whether a leader answered since one did not: then it is not the brokers that are down. */
  #wasAnswered = false;

  constructor({ client, health, topic, from, signal }: TopicFetchesOptions) {
    this.#client = client;
    this.#health = health;
    this.#topic = topic;
    this.#check = new TopicCheck(
      topic,
      async () => (await this.#client.metadata(topic.name))?.idBytes ?? null,
    );
    this.positions = new Map(from);
    this.#signal = signal;
  }

  /**
   * What the first leader that answers sends; nothing after a while, or once it is aborted.
   * @throws when the topic is not the one that was meant.
   */
  async next(): Promise<Fetched> {
    const { lost, groups } = this.#groups();
    for (const [name, { broker, asked }] of groups) {
      this.#begin(name, () => this.#fetch(name, broker, asked));
    }
    if (lost.length > 0) this.#begin(SEARCH, () => this.#search(lost));
    try {
      const first = Promise.race(this.#underWay.values());
      const { name, fetched } = await untilAborted(first, this.#signal);
      this.#underWay.delete(name);
      return fetched;
    } catch (error) {
      if (this.#signal.aborted) return NOTHING;
      throw error;
    }
  }

  /** The partitions by leader, and those that have none. */
  #groups(): { lost: number[]; groups: Map<string, { broker: Broker; asked: Asked[] }> } {
    const groups = new Map<string, { broker: Broker; asked: Asked[] }>();
    const lost: number[] = [];
    const now = performance.now();
    for (const [partition, at] of this.positions) {
      if (this.#isFollowedTooLong(partition, now)) this.#leave(partition);
      const leader = this.#leaders.get(partition);
      if (leader === undefined) {
        lost.push(partition);
        continue;
      }
      const { name, broker, epoch } = leader;
      const group = groups.get(name) ?? { broker, asked: [] };
      groups.set(name, group);
      group.asked.push({ partition, epoch, at });
    }
    return { lost, groups };
  }

  #begin(name: string, step: () => Promise<Fetched>): void {
    if (this.#underWay.has(name)) return;
    const named = step().then((fetched) => ({ name, fetched }));
    named.catch(() => {}); // It is told with the next step, if there is one.
    this.#underWay.set(name, named);
  }

  async #fetch(name: string, broker: Broker, asked: readonly Asked[]): Promise<Fetched> {
    const session = this.#sessions.get(name) ?? new FetchSession();
    this.#sessions.set(name, session);
    try {
      const topic = { name: this.#topic.name, id: this.#id };
      const { byName, partitions } = await this.#client.fetch(
        broker,
        topic,
        asked,
        session,
        performance.now() >= this.#avoidedUntil,
      );
      if (byName && partitions.some(({ bytes }) => bytes !== null && bytes.length > 0)) {
        await this.#check.assertSame(this.#signal);
      }
      this.#wasAnswered = true;
      this.#tell(partitions);
      const outOfRange = new Set<number>();
      for (const { partition, errorCode, bytes, preferredReplica } of partitions) {
        // A replica may lag: what its log holds judges nothing.
        if (errorCode !== 0 && this.#followedUntil.has(partition)) this.#avoid(partition);
        else if (errorCode === OFFSET_OUT_OF_RANGE) outOfRange.add(partition);
        else if (errorCode !== 0) this.lose(partition, errorCode);
        else if (preferredReplica >= 0) this.#follow(partition, preferredReplica);
        else if (bytes === null || bytes.length === 0) this.#recover(partition);
      }
      const gone = asked.filter(({ partition }) => outOfRange.has(partition));
      return { partitions, starts: await this.#starts(broker, gone) };
    } catch (error) {
      if (this.#signal.aborted) return NOTHING;
      this.#sessions.delete(name);
      const led = asked.filter(({ partition }) => !this.#followedUntil.has(partition));
      for (const { partition } of asked) {
        if (this.#followedUntil.has(partition)) this.#avoid(partition);
      }
      if (led.length === 0) return NOTHING;
      // One that is only started anew is no trouble to tell.
      const isAgain = led.some(({ partition }) => this.#failures.has(partition));
      if (isAgain || !this.#wasAnswered) {
        this.#health.failedAt('read', this.#topic.name, error, led[0]?.partition);
      }
      this.#wasAnswered = false;
      for (const { partition } of led) this.lose(partition, error);
      return NOTHING;
    }
  }

  /** Reads a partition from a replica that its leader has named. */
  #follow(partition: number, replica: number): void {
    const leader = this.#leaders.get(partition);
    const broker = this.#brokers.get(replica);
    if (leader === undefined || broker === undefined) {
      this.#avoid(partition);
      return;
    }
    this.#leaders.set(partition, { ...leader, name: `${broker.host}:${broker.port}`, broker });
    this.#followedUntil.set(partition, performance.now() + FOLLOW_MS);
  }

  /** Not while it is being asked: both would send the same. */
  #isFollowedTooLong(partition: number, now: number): boolean {
    const until = this.#followedUntil.get(partition);
    if (until === undefined || now < until) return false;
    return !this.#underWay.has(this.#leaders.get(partition)!.name);
  }

  /** Goes back to the leader, and stays there for a while. */
  #avoid(partition: number): void {
    this.#avoidedUntil = performance.now() + AVOID_MS;
    this.#leave(partition);
  }

  #leave(partition: number): void {
    this.#followedUntil.delete(partition);
    this.#leaders.delete(partition);
  }

  /** Whether the leader let us read. */
  #tell(partitions: readonly FetchedPartition[]): void {
    const { name } = this.#topic;
    const refused = partitions.find(({ errorCode }) => errorCode === TOPIC_AUTHORIZATION_FAILED);
    if (refused === undefined) this.#health.answered('read', name);
    else this.#health.failed('read', name, brokerError(refused.errorCode, `topic ${name}`));
  }

  async #starts(broker: Broker, partitions: readonly Asked[]): Promise<Offsets> {
    const starts = new Map<number, number>();
    if (partitions.length === 0) return starts;
    const asked = partitions.map((one) => ({ ...one, at: EARLIEST }));
    for (const { partition, errorCode, offset } of await this.#client.listOffsets(
      broker,
      this.#topic.name,
      asked,
    )) {
      if (errorCode === 0) starts.set(partition, offset);
      else this.lose(partition, errorCode);
    }
    return starts;
  }

  /** Goes on with a partition behind records that could be read. */
  take(partition: number, next: number): void {
    // To the end of the next request: the broker fills its answer from the first one on.
    this.positions.delete(partition);
    this.positions.set(partition, next);
    this.#recover(partition);
  }

  /** Its leader has moved, does not answer, or sends what is no records. */
  lose(partition: number, why: unknown): void {
    this.#leave(partition);
    this.#failures.set(partition, (this.#failures.get(partition) ?? 0) + 1);
    if (why instanceof UnreadableError) {
      this.#health.failedAt('read', this.#topic.name, why, partition);
    }
    const what = `partition ${partition} of ${this.#topic.name}`;
    const error = typeof why === 'number' ? brokerError(why, what) : why;
    logger.debug('Looking for the leader of {what}: {error}', { what, error });
  }

  #recover(partition: number): void {
    const had = this.#failures.delete(partition);
    if (had) this.#health.answered('read', this.#topic.name, partition);
  }

  async #search(lost: readonly number[]): Promise<Fetched> {
    const failures = Math.max(...lost.map((partition) => this.#failures.get(partition) ?? 0));
    // A leader that has just moved is known at once.
    if (failures > 1) await abortableDelay(backoff(failures - 1), this.#signal);
    if (this.#signal.aborted) return NOTHING;
    let known: TopicMetadata | null;
    try {
      known = await this.#client.metadata(this.#topic.name);
    } catch (error) {
      if (this.#signal.aborted) return NOTHING;
      this.#health.failed('read', this.#topic.name, error);
      for (const partition of lost) this.lose(partition, error);
      return NOTHING;
    }
    // Whoever reads has to look at the topic anew.
    assertSame(this.#topic, known?.idBytes ?? null);
    this.#id = known?.id ?? '';
    this.#brokers = known?.brokers ?? new Map();
    for (const partition of lost) {
      const leader = known?.leaders[partition];
      if (leader) this.#leaders.set(partition, leader);
      else this.lose(partition, 'it has none');
    }
    return NOTHING;
  }
}
