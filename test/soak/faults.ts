import type { Buffer } from 'node:buffer';
import { setTimeout as delay } from 'node:timers/promises';
import { Random } from '../model/random.ts';
import { eventually, within } from '../support/deadline.ts';
import type { Balancers } from './balancers.ts';
import type { SoakBroker } from './broker.ts';
import { http1 } from './clients/http1.ts';
import type { Crowds } from './crowds.ts';
import type { SoakIssuer } from './issuer.ts';
import { type KafkaTopics, type ProducedTopics, TOPICS } from './kafka_topics.ts';
import type { Producer } from './producer.ts';
import type { Replica } from './replica.ts';
import type { Fault, FaultKind } from './schedule.ts';
import { scopeOf } from './strangers.ts';

/** Until records flow again: what it takes is reported, no more than this is waited. */
const FLOW_MS = 120_000;
const METRICS_MS = 60_000;
const DELETED_TAIL = 40;
const CROWD_STAYS_MS = 3000;
const GUEST_MS = 120_000;
/** Few enough to fit in beside the crowd. */
const ASKERS = 40;

/** All that can be struck. */
export interface World {
  readonly broker: SoakBroker;
  readonly kafka: KafkaTopics;
  readonly topics: ProducedTopics;
  readonly producer: Producer;
  readonly replicas: readonly Replica[];
  readonly balancers: Balancers;
  readonly crowds: Crowds;
  readonly issuer: SoakIssuer;
  /** Streams that one gateway takes. */
  readonly maxConnections: number;
  /** Those that may be restarted now: one has to live on, so that its memory can be measured. */
  mortals(): readonly Replica[];
}

/** Strikes, and says in words what happened. */
export class Faults {
  /** Streams that a gateway ended while a broker was killed or frozen. */
  streamsEnded = 0;
  /** Gateways that did not end as they were asked to. */
  badEnds = 0;
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  strike({ kind, seed }: Fault): Promise<string> {
    const strikes: Record<FaultKind, (random: Random) => Promise<string>> = {
      'broker killed': (random) => this.#keepingStreams(() => this.#killBroker(random)),
      'broker frozen': (random) => this.#keepingStreams(() => this.#freezeBroker(random)),
      'gateway killed': (random) => this.#killGateway(random),
      'rolling restart': () => this.#restart(this.#world.mortals(), {}),
      'connections reset': async (random) => this.#reset(random),
      'log compacted': (random) => this.#compact(random),
      'front deleted': (random) => this.#deleteFront(random),
      'partition added': () => this.#addPartition(),
      'short lives': (random) => this.#shortenLives(random),
      'crowd too large': () => this.#comeInCrowds(),
    };
    return strikes[kind](new Random(seed));
  }

  async #killBroker(random: Random): Promise<string> {
    const { broker, producer, crowds } = this.#world;
    await broker.kill();
    const downMs = random.between(0, 4000);
    await delay(downMs);
    await broker.start();
    const back = Date.now();
    await eventually(
      'records to be written again',
      async () => producer.fault !== null || producer.lastAcknowledged > back,
      FLOW_MS,
    );
    const written = producer.lastAcknowledged;
    const flowing = async (): Promise<number | null> => {
      const { lastReceived } = await crowds.ask();
      return lastReceived > written ? lastReceived : null;
    };
    const flowMs = (await eventually('records to flow again', flowing, FLOW_MS)) - back;
    return `down for ${seconds(downMs)}; records flowed ${seconds(flowMs)} after its return`;
  }

  async #freezeBroker(random: Random): Promise<string> {
    const { broker } = this.#world;
    const milliseconds = random.between(2000, 8000);
    broker.freeze();
    const answered = this.#askForTimes();
    try {
      await delay(milliseconds);
    } finally {
      broker.thaw();
    }
    return `for ${seconds(milliseconds)}; ${await answered} look-ups of times meanwhile were answered`;
  }

  /** Clients that want to know of Kafka where they begin, each another time. @returns how many got it */
  async #askForTimes(): Promise<number> {
    const { balancers } = this.#world;
    const open = http1(balancers.http);
    const headers = await this.#asGuest();
    const askers = Array.from({ length: ASKERS }, async (_, n) => {
      const { status, body, cut } = await open(`/plain?since=${Date.now() - n * 1000}`, headers);
      body.on('error', () => {});
      try {
        return status === 200 && (await hasId(body));
      } finally {
        cut();
      }
    });
    const outcomes = await within('look-ups of times', Promise.allSettled(askers), FLOW_MS);
    return outcomes.filter((one) => one.status === 'fulfilled' && one.value).length;
  }

  /** Streams may end for their clients' or their age's sake, but not for the broker's. */
  async #keepingStreams(strike: () => Promise<string>): Promise<string> {
    const before = await this.#streamErrors();
    const text = await strike();
    const ended = (await this.#streamErrors()) - before;
    this.streamsEnded += ended;
    return `${text}; ${ended} streams ended for it`;
  }

  async #streamErrors(): Promise<number> {
    const all = this.#world.replicas.map((replica) =>
      eventually(`the metrics of ${replica.name}`, () => replica.endings(), METRICS_MS),
    );
    return (await Promise.all(all)).reduce((sum, endings) => sum + (endings.get('error') ?? 0), 0);
  }

  async #killGateway(random: Random): Promise<string> {
    const replica = random.pick(this.#world.mortals());
    await replica.kill();
    const downMs = random.between(0, 3000);
    await delay(downMs);
    await replica.start();
    return `${replica.name}, down for ${seconds(downMs)}`;
  }

  /** Of streams at the gateway that is restarted again and again; the other one stays as it is. */
  #shortenLives(random: Random): Promise<string> {
    const replicas = this.#world.mortals().slice(0, 1);
    return this.#restart(replicas, { MAX_AGE_SECONDS: `${random.between(5, 15)}` });
  }

  async #restart(
    replicas: readonly Replica[],
    env: Readonly<Record<string, string>>,
  ): Promise<string> {
    for (const replica of replicas) {
      const code = await replica.drain();
      if (code !== 0) this.badEnds++;
      await replica.start(env);
      await replica.untilLoaded();
    }
    const settings = Object.entries(env).map((entry) => ` with ${entry.join('=')}`);
    return `${replicas.map(({ name }) => name).join(' and ')}${settings.join('')}`;
  }

  #reset(random: Random): string {
    const share = random.between(10, 100) / 100;
    this.#world.balancers.reset(share);
    return `${Math.round(share * 100)} % of their ends`;
  }

  async #compact(random: Random): Promise<string> {
    const { kafka } = this.#world;
    const { name, configs } = TOPICS.compacted;
    await kafka.configure(name, 'segment.ms', '100');
    await delay(random.between(2000, 4000));
    await kafka.configure(name, 'segment.ms', configs['segment.ms']);
    return 'segments rolled at once for a while';
  }

  /**
   * A gateway has in memory what Kafka has deleted: nobody loses it there. Therefore one is away
   * now and then, so that those who come to it afterwards are told of a gap.
   */
  async #deleteFront(random: Random): Promise<string> {
    const replica = random.chance(0.6) ? this.#world.mortals()[0]! : null;
    await replica?.kill();
    if (replica !== null) await delay(random.between(1000, 4000));
    const deleted = await this.#deleteBelow(random);
    await replica?.start();
    return `partition ${deleted}${replica === null ? '' : `, while ${replica.name} was away`}`;
  }

  async #deleteBelow(random: Random): Promise<string> {
    const { kafka, topics, crowds } = this.#world;
    const told: string[] = [];
    for (const [partition, { committed }] of topics.deleted.partitions.entries()) {
      // Up to the end more often than not: so that clients lose what they have not got yet.
      const left = random.chance(0.7) ? 0 : random.between(0, DELETED_TAIL);
      const last = committed.at(-1 - left);
      if (last === undefined) continue;
      topics.deleted.startAt(partition, last.offset + 1);
      await crowds.ask(); // All know of it now.
      await kafka.deleteBefore(topics.deleted, partition, last.offset + 1);
      told.push(`${partition} below ${last.offset + 1}`);
    }
    return told.join(', ');
  }

  async #addPartition(): Promise<string> {
    const { kafka, topics } = this.#world;
    const count = topics.plain.partitions.length + 1;
    await kafka.addPartitions(topics.plain, count);
    topics.plain.addPartitions(count);
    return `there are ${count} now`;
  }

  /** With the right to read one topic, for as long as they stay. */
  async #asGuest(): Promise<{ authorization: string }> {
    const expiresAt = Date.now() + GUEST_MS;
    const token = await this.#world.issuer.token({ scope: scopeOf('plain') }, expiresAt);
    return { authorization: `Bearer ${token}` };
  }

  /** As many as one gateway takes, beside those that are there. */
  async #comeInCrowds(): Promise<string> {
    const { balancers, maxConnections } = this.#world;
    const open = http1(balancers.http);
    const headers = await this.#asGuest();
    const path = '/plain?since=latest';
    const tries = Array.from({ length: maxConnections }, () => open(path, headers));
    const answers = await Promise.allSettled(tries);
    const guests = answers.filter((answer) => answer.status === 'fulfilled');
    for (const { value } of guests) value.body.on('error', () => {}).resume();
    await delay(CROWD_STAYS_MS);
    for (const { value } of guests) value.cut();
    const refused = guests.filter(({ value }) => value.status === 503).length;
    return `${guests.length} more came, ${refused} were refused`;
  }
}

/** Whether an id comes before the stream is over. */
async function hasId(body: AsyncIterable<Buffer>): Promise<boolean> {
  let text = '';
  for await (const bytes of body) {
    text += bytes.toString('latin1');
    if (text.includes('\nid:') || text.startsWith('id:')) return true;
  }
  return false;
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}
