import { EVERYTHING, randomFilter } from './client_filter.ts';
import { type DecodedCursor, encodeCursor, encodeTopicsCursor } from './cursor_decoder.ts';
import type { Events } from './events.ts';
import { Random } from './random.ts';
import { Replica } from './replica.ts';
import { makeEvents, makeTopic, type Outcome, settle, topicOptions } from './scenario.ts';
import { SeveralClient } from './several_client.ts';
import { type SentCursor, SeveralModel } from './several_model.ts';
import { SeveralReplica } from './several_replica.ts';
import { SimulatedSource } from './simulated_source.ts';
import { VirtualClock } from './virtual_clock.ts';
import { World } from './world.ts';

const DRAIN_MS = 30_000;
const AFTER_MS = 6000;
const SWEEP_MS = 1000;
const SWEEPS_PER_HEARTBEAT = 3;
const KEYS = 10;
const NAMES = ['a', 'b', 'c'];

/** One random history of several topics, the gateways that serve them, and clients of some of them at once. */
export async function runSeveralScenario(seed: number, isTraced: boolean): Promise<Outcome> {
  const random = new Random(seed);
  const clock = new VirtualClock();
  const hasIds = random.chance(0.85);
  const trace: string[] = [];
  const worlds = new Map(
    NAMES.map((topicName, n) => {
      const idByte = 0xe0 + n;
      return [topicName, new World(hasIds, isTraced, { clock, trace, topicName, idByte })];
    }),
  );
  const [first] = [...worlds.values()] as [World];
  const uninstall = clock.install();
  try {
    await play(worlds, random, hasIds);
  } finally {
    uninstall();
  }
  const failure = failureOf(worlds);
  return { failure, trace, counts: first.counts };
}

type Worlds = ReadonlyMap<string, World>;

function failureOf(worlds: Worlds): string | null {
  for (const { failure } of worlds.values()) if (failure !== null) return failure;
  return null;
}

async function play(worlds: Worlds, random: Random, hasIds: boolean): Promise<void> {
  const [{ clock, handedOut, counts }] = [...worlds.values()] as [World];
  const hasFailed = (): boolean => failureOf(worlds) !== null;
  const replicas = makeReplicas(worlds, random.fork(), hasIds);
  const clients: SeveralClient[] = [];
  const length = random.between(5, 40) * 1000;
  const events: Events[] = [];
  for (const world of worlds.values()) {
    const maxValueBytes = random.pick([40, 400, 4000, 100_000]);
    const options = { isSlow: false, isAway: false, keys: KEYS, outageMs: null, maxValueBytes };
    const some = makeEvents(world, random, options, (part) => {
      const replica = replicas.find(({ parts }) => parts.includes(part))!;
      restart(replica, random);
      for (const client of clients) if (client.replica === replica) client.cut();
    });
    events.push(some);
    makeTopic(world, random, topicOptions(random, false, false));
    for (let left = random.between(4, 25); left > 0; left--) {
      const at = random.chance(0.2) ? 0 : random.next() * length;
      clock.setTimeout(() => some.happen(), at);
    }
  }
  for (let number = random.between(2, 6); number > 0; number--) {
    const own = random.fork();
    clock.setTimeout(() => {
      const client = makeClient(worlds, replicas, own, `client ${number}`);
      clients.push(client);
      client.connect();
      if (own.chance(0.3)) clock.setTimeout(() => client.cut(), own.next() * length);
    }, random.next() * length);
  }
  let sweeps = 0;
  const sweep = (): void => {
    const isIdle = ++sweeps % SWEEPS_PER_HEARTBEAT === 0;
    for (const client of clients) client.beat(isIdle);
    clock.setTimeout(sweep, SWEEP_MS);
  };
  clock.setTimeout(sweep, SWEEP_MS);
  await clock.advance(clock.now + length, hasFailed);
  if (!hasFailed()) await drain(worlds, events, clients);
  for (const client of clients) client.close();
  const [first] = [...worlds.values()] as [World];
  const differs = handedOut.differs();
  if (differs !== null) first.fail(differs);
  const parts = replicas.flatMap((replica) => replica.parts);
  for (const part of parts) part.close();
  await clock.advance(clock.now + 15_000, () => parts.every(({ hasEnded }) => hasEnded));
  for (const { name, hasEnded } of parts) {
    if (!hasEnded) first.fail(`${name} does not end, or leaves reads open`);
  }
  for (const { streams } of replicas) {
    for (const [result, count] of Object.entries(streams.merges)) {
      if (count > 0) counts.set(result, (counts.get(result) ?? 0) + count);
    }
  }
  for (const { kafka } of worlds.values()) kafka.changed();
}

async function drain(
  worlds: Worlds,
  events: readonly Events[],
  clients: readonly SeveralClient[],
): Promise<void> {
  const all = [...worlds.values()];
  const [first] = all as [World];
  const { clock } = first;
  const hasFailed = (): boolean => failureOf(worlds) !== null;
  for (const [n, world] of all.entries()) settle(world, events[n]!);
  for (const client of clients) client.calmDown();
  const isDone = (): boolean => clients.every((client) => client.lacks() === null);
  for (const end = clock.now + DRAIN_MS; clock.now < end && !hasFailed() && !isDone(); ) {
    await clock.advance(clock.now + 50, hasFailed);
  }
  for (const client of clients) {
    const lacks = client.lacks();
    if (lacks !== null) first.fail(`${client.name} at ${client.replica?.name} lacks ${lacks}`);
  }
  if (!hasFailed()) await clock.advance(clock.now + AFTER_MS, hasFailed);
  for (const client of clients) {
    const momentMs = 2 * SWEEPS_PER_HEARTBEAT * SWEEP_MS;
    const place = hasFailed() ? null : client.lagsBehind(momentMs);
    if (place !== null) first.fail(`${client.name} at ${client.replica?.name} is told ${place}`);
  }
}

/** All topics of a gateway end with it, and come back with it. */
function restart(replica: SeveralReplica, random: Random): void {
  const { clock } = replica;
  for (const part of replica.parts) {
    part.stop();
    clock.setTimeout(() => part.start(), random.next() * 3000);
  }
  replica.begin();
}

function makeReplicas(worlds: Worlds, random: Random, hasIds: boolean): SeveralReplica[] {
  const [{ clock }] = [...worlds.values()] as [World];
  return Array.from({ length: 2 }, (_, n) => {
    const name = `replica ${n + 1}`;
    const parts = [...worlds.values()].map((world) => {
      const options = {
        latencyMs: random.pick([2, 20]),
        lagMs: random.pick([1, 10, 100]),
        batchRecords: random.pick([1, 5, 30, 200]),
        seesIds: hasIds,
      };
      const own = random.fork();
      const makeSource = (): SimulatedSource =>
        new SimulatedSource(world.kafka, clock, own.fork(), options);
      const limits = {
        maxBytes: random.pick([8, 32, 128, 1024]) * 1024,
        maxReaders: random.pick([1, 8]),
        turnRecords: random.pick([50, 4000]),
      };
      const part = new Replica(
        `${name} of ${world.topicName}`,
        makeSource,
        world.topicName,
        limits,
      );
      world.replicas.push(part);
      clock.setTimeout(() => part.start(), random.chance(0.7) ? 0 : random.next() * 8000);
      return [world.topicName, part] as const;
    });
    return new SeveralReplica(name, clock, new Map(parts));
  });
}

function makeClient(
  worlds: Worlds,
  replicas: readonly SeveralReplica[],
  random: Random,
  name: string,
): SeveralClient {
  const [{ clock }] = [...worlds.values()] as [World];
  const filter = random.chance(0.75) ? EVERYTHING : randomFilter(random, KEYS);
  const endsLive = random.chance(0.15);
  const kind = random.next();
  const time = Math.floor(clock.now) - random.between(-2000, 20_000);
  const options = {
    name,
    filter,
    endsLive,
    everyMs: random.chance(0.2) ? random.pick([100, 700, 3000]) : null,
    since: kind < 0.1 ? 'latest' : kind < 0.2 ? time : kind < 0.3 ? -random.between(1, 50) : null,
    first: firstCursor(worlds, random),
    pauseMs: random.pick([0, 1, 50, 500, 3000]),
    isCompressed: random.chance(0.3),
    cuts: random.pick([0, 0.02, 0.1, 0.3]),
    changes: random.pick([0, 0, 0.3]),
  } as const;
  const model = new SeveralModel(worlds, filter, endsLive);
  return new SeveralClient(worlds, replicas, random, options, model);
}

/** What the client got elsewhere: of some of the topics, of one, of another gateway, or nothing. */
function firstCursor(worlds: Worlds, random: Random): SentCursor {
  if (random.chance(0.6)) return { id: '', cursors: null };
  if (random.chance(0.1)) return { id: 'no cursor', cursors: 'unreadable' };
  const cursors = new Map<string, DecodedCursor>();
  for (const [name, { kafka }] of worlds) {
    const { topic, ledger } = kafka;
    if (topic === null || random.chance(0.3)) continue;
    const offsets = new Map<number, number>();
    for (const [number, { stableEnd }] of topic.partitions.entries()) {
      if (random.chance(0.9)) offsets.set(number, random.between(0, stableEnd));
    }
    const topicId = ledger.hasIds ? ledger.current!.topicId : '00000000';
    cursors.set(name, { topicId, offsets, time: null });
  }
  if (cursors.size === 0) return { id: '', cursors: null };
  if (random.chance(0.6)) return { id: encodeTopicsCursor(cursors, null), cursors };
  const [one] = [...cursors.values()] as [DecodedCursor];
  return { id: encodeCursor(one), cursors: { one } };
}
