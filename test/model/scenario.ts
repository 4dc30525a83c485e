import { Browser, type SentCursor } from './browser.ts';
import { type ClientFilter, EVERYTHING, type OwnFilter, randomFilter } from './client_filter.ts';
import { encodeCursor, encodeCursorWithoutId, NO_TOPIC_ID } from './cursor_decoder.ts';
import { Events } from './events.ts';
import { Random } from './random.ts';
import { Records } from './records.ts';
import { Replica } from './replica.ts';
import type { TopicOptions } from './simulated_kafka.ts';
import { SimulatedSource } from './simulated_source.ts';
import { StreamsFile, throughGuard } from './stream_guards.ts';
import { World } from './world.ts';

/**
 * Once nothing disturbs any more every client must have everything within this time, the gaps of a
 * topic that was made anew or cut among it, and the 10 s after which brokers are asked again.
 */
const DRAIN_MS = 25_000;
/** And then nothing must come that is wrong. */
const AFTER_MS = 6000;
/** Until then each replica has started once. */
const MAX_START_MS = 10_000;
/** How often it is looked who has an id that gets old, and who is to be told where it is. */
const SWEEP_MS = 1000;
const SWEEPS_PER_HEARTBEAT = 3;
const HEARTBEAT_MS = SWEEPS_PER_HEARTBEAT * SWEEP_MS;
const BEATS_MS = [100, 700, 3000, 9000];
/** So long a paced client may owe what holds its place back, and then it has to be told where it is. */
const MAX_OWED_MS = Math.max(...BEATS_MS) + HEARTBEAT_MS;
/** Reads open at once in one replica: the feed's, three for what lies below memory, one for deletes. */
const MAX_READS = 1 + 3 + 1;

/** How a scenario went. */
export interface Outcome {
  /** The first expectation that was broken; `null` where all held. */
  readonly failure: string | null;
  readonly trace: readonly string[];
  readonly counts: ReadonlyMap<string, number>;
}

/** One random history of a topic, its replicas and their clients, all of it out of the seed. */
export async function runScenario(seed: number, isTraced: boolean): Promise<Outcome> {
  const random = new Random(seed);
  const hasIds = random.chance(0.75);
  const world = new World(hasIds, isTraced);
  const uninstall = world.clock.install();
  try {
    await play(world, random, hasIds);
  } finally {
    uninstall();
  }
  return world;
}

async function play(world: World, random: Random, hasIds: boolean): Promise<void> {
  const { clock, kafka, replicas } = world;
  const kind = random.next();
  // Clients that are so slow that deletes are dropped before they come to them.
  const isSlow = kind < 0.1;
  // Replicas that read nothing for so long that deletes are dropped before they come to them.
  const isAway = kind > 0.88;
  const keys = isSlow || isAway ? 60 : random.pick([3, 10, 60]);
  const topic = topicOptions(random, isSlow, isAway);
  // One that takes longer than `delete.retention.ms` to read the topic misses deletes.
  const isPrompt = topic.compacted && topic.deleteRetentionMs < 60_000;
  // A gateway that starts again knows of no change before.
  const changes = !isAway && random.chance(0.4);
  const file = new StreamsFile(random.fork(), changes);
  makeReplicas(world, random.fork(), hasIds, isPrompt, file);
  const browsers: Browser[] = [];
  const filters: OwnFilter[] = [];
  const outageMs = isAway ? topic.deleteRetentionMs : null;
  const options = { isSlow, isAway, keys, outageMs, restarts: !changes };
  const events = makeEvents(world, random, options, (replica) => {
    for (const browser of browsers) if (browser.replica === replica) browser.cut();
  });
  makeTopic(world, random, topic);

  const length = (isSlow || isAway ? 60 : random.between(5, 40)) * 1000;
  const count = isAway ? 160 : isSlow ? 80 : random.between(8, 50);
  for (let left = count; left > 0; left--) {
    // Some before anybody reads.
    const at = random.chance(0.2) ? 0 : random.next() * length;
    clock.setTimeout(() => events.happen(), at);
  }
  for (let number = random.between(2, 5); number > 0; number--) {
    const options = { random: random.fork(), name: `client ${number}` };
    clock.setTimeout(() => {
      const browser = makeBrowser(world, options, { isSlow, keys, file, filters });
      browsers.push(browser);
      browser.connect();
      if (random.chance(0.3)) clock.setTimeout(() => browser.cut(), random.next() * length);
    }, random.next() * length);
  }
  if (changes && length > MAX_START_MS) {
    const after = MAX_START_MS + random.next() * (length - MAX_START_MS);
    clock.setTimeout(() => changeFile(world, file, browsers), after);
  }
  let sweeps = 0;
  const sweep = (): void => {
    const isIdle = ++sweeps % SWEEPS_PER_HEARTBEAT === 0;
    for (const browser of browsers) browser.beat(isIdle);
    clock.setTimeout(sweep, SWEEP_MS);
  };
  clock.setTimeout(sweep, SWEEP_MS);
  await clock.advance(clock.now + length, () => world.failure !== null);
  if (world.failure === null) await drain(world, events, browsers);
  for (const browser of browsers) browser.close();
  const differs = world.handedOut.differs();
  if (differs !== null) world.fail(differs);
  for (const replica of replicas) replica.close();
  await clock.advance(clock.now + 15_000, () => replicas.every(({ hasEnded }) => hasEnded));
  for (const { name, sources, hasEnded } of replicas) {
    if (!hasEnded) world.fail(`${name} does not end, or leaves reads open`);
    const most = Math.max(...sources.map(({ mostReads }) => mostReads));
    if (most > MAX_READS) world.fail(`${name} had ${most} reads open`);
  }
  kafka.changed();
}

/** All replicas read the streams file anew. */
function changeFile(world: World, file: StreamsFile, browsers: readonly Browser[]): void {
  world.note(() => 'the streams file changes');
  world.count('reload');
  file.changedAt = Date.now();
  for (const { feed } of world.replicas) feed?.keepGuards(file.kept);
  for (const browser of browsers) browser.streamsChanged();
}

/** All faults end, nothing is written any more. */
export function settle(world: World, events: Events): void {
  const { kafka, replicas } = world;
  world.note(() => 'drain');
  if (kafka.topic === null) {
    kafka.create({ partitions: 2, compacted: false, deletes: true, deleteRetentionMs: 1 });
  }
  events.endTransactions();
  for (const replica of replicas) {
    replica.start();
    replica.source.recover();
    replica.source.isCalm = true;
  }
  kafka.changed();
}

/** Everybody must get to the end then. */
async function drain(world: World, events: Events, browsers: readonly Browser[]): Promise<void> {
  const { clock } = world;
  settle(world, events);
  for (const browser of browsers) browser.calmDown();
  const hasFailed = (): boolean => world.failure !== null;
  const isDone = (): boolean => browsers.every((browser) => browser.lacks() === null);
  for (const end = clock.now + DRAIN_MS; clock.now < end && !hasFailed() && !isDone(); ) {
    await clock.advance(clock.now + 50, hasFailed);
  }
  for (const browser of browsers) {
    const lacks = browser.lacks();
    if (lacks !== null) world.fail(`${browser.name} at ${browser.replica?.name} lacks ${lacks}`);
  }
  if (!hasFailed()) await clock.advance(clock.now + AFTER_MS, hasFailed);
  const lagging = (): Browser | undefined =>
    browsers.find((browser) => browser.lagsBehind(2 * HEARTBEAT_MS) !== null);
  for (const end = clock.now + MAX_OWED_MS; clock.now < end && !hasFailed() && lagging(); ) {
    await clock.advance(clock.now + 50, hasFailed);
  }
  const late = hasFailed() ? undefined : lagging();
  const told = late?.lagsBehind(2 * HEARTBEAT_MS);
  if (late) world.fail(`${late.name} at ${late.replica?.name} is told ${told}`);
}

function makeReplicas(
  world: World,
  random: Random,
  hasIds: boolean,
  isPrompt: boolean,
  file: StreamsFile,
): void {
  const { clock, kafka, topicName, replicas } = world;
  const allWithout = random.chance(0.5);
  for (let number = random.between(2, 3); number > 0; number--) {
    const options = {
      latencyMs: random.pick(isPrompt ? [2, 20] : [2, 20, 400]),
      lagMs: random.pick(isPrompt ? [1, 10] : [1, 10, 100, 3000]),
      batchRecords: random.pick(isPrompt ? [30, 200] : [1, 5, 30, 200]),
      seesIds: hasIds || (!allWithout && random.chance(0.5)),
    };
    const own = random.fork();
    const makeSource = (): SimulatedSource =>
      new SimulatedSource(kafka, clock, own.fork(), options);
    const maxBytes = random.pick([4, 8, 32, 128, 1024]) * 1024;
    const maxReaders = random.pick([1, 8]);
    const turnRecords = random.pick([3, 50, 4000]);
    const name = `replica ${number}`;
    const maxChanges = random.pick([3, 20, 10_000, 10_000]);
    const limits = { maxBytes, maxReaders, turnRecords, maxChanges, file };
    const replica = new Replica(name, makeSource, topicName, limits);
    replicas.push(replica);
    clock.setTimeout(() => replica.start(), random.chance(0.5) ? 0 : random.next() * MAX_START_MS);
    world.note(() => `${replica.name}: ${maxBytes} bytes`);
  }
}

export function topicOptions(random: Random, isSlow: boolean, isAway: boolean): TopicOptions {
  const compacted = isSlow || isAway || random.chance(0.5);
  return {
    partitions: random.pick([1, 1, 2, 3, 7]),
    compacted,
    deletes: !compacted || random.chance(0.4),
    deleteRetentionMs: random.pick(
      isSlow ? [4000] : isAway ? [4000, 8000] : [8000, 15_000, 60_000],
    ),
  };
}

export function makeTopic(world: World, random: Random, options: TopicOptions): void {
  const create = (): void => {
    world.note(() => `topic ${JSON.stringify(options)}`);
    world.kafka.create(options);
  };
  if (random.chance(0.9)) create();
  else world.clock.setTimeout(create, random.next() * 5000);
}

interface EventOptions {
  /** Left out: at random. */
  readonly maxValueBytes?: number;
  readonly isSlow: boolean;
  readonly isAway: boolean;
  readonly keys: number;
  readonly outageMs: number | null;
  /** Whether replicas start again; left out: they may. */
  readonly restarts?: boolean;
}

export function makeEvents(
  world: World,
  random: Random,
  { isSlow, isAway, keys, outageMs, maxValueBytes, restarts = true }: EventOptions,
  disconnect: (replica: Replica) => void,
): Events {
  const sometimes = (probability: number, weight: number): number =>
    random.chance(probability) ? weight : 0;
  const weights = {
    append: 20,
    transaction: sometimes(0.5, 5),
    compact: isSlow || isAway ? 10 : sometimes(0.7, 4),
    deleteRecords: sometimes(0.4, 3),
    truncate: isAway ? 0 : sometimes(0.2, 1),
    addPartition: sometimes(0.3, 1),
    makeAnew: isAway ? 0 : sometimes(0.2, 0.7),
    switchPolicy: isAway ? 0 : sometimes(0.1, 1),
    // They last longer than `delete.retention.ms` is there.
    faults: isAway ? 2 : isSlow ? 0 : sometimes(0.4, 2),
    restart: restarts ? sometimes(0.3, 1) : 0,
  };
  const records = new Records(random.fork(), {
    keys,
    maxValueBytes:
      maxValueBytes ??
      (isSlow ? 10_000 : random.pick([40, 400, 4000, random.chance(0.1) ? 100_000 : 1000])),
    tombstones: isSlow || isAway ? 0.3 : random.pick([0, 0.1, 0.3]),
  });
  const maxRecords = isSlow ? 15 : isAway ? 6 : random.pick([2, 6, 15]);
  return new Events(world, random.fork(), records, { weights, maxRecords, outageMs, disconnect });
}

interface BrowsersHave {
  readonly isSlow: boolean;
  readonly keys: number;
  readonly file: StreamsFile;
  /** Those that others have asked for. */
  readonly filters: OwnFilter[];
}

/** Its own, or that of another: those who ask for the same have one view. */
function filterOf(random: Random, keys: number, filters: OwnFilter[]): OwnFilter {
  if (filters.length > 0 && random.chance(0.5)) return random.pick(filters);
  const filter = randomFilter(random, keys);
  filters.push(filter);
  return filter;
}

function makeBrowser(
  world: World,
  { random, name }: { random: Random; name: string },
  { isSlow, keys, file, filters }: BrowsersHave,
): Browser {
  const hasOwn = random.chance(0.5);
  const own = hasOwn ? filterOf(random, keys, filters) : null;
  const stream = random.chance(hasOwn ? 0.3 : 0.4) ? random.pick(file.streams) : null;
  const filterNow = (): ClientFilter => {
    if (stream === null) return own ?? EVERYTHING;
    const { guard, since } = file.guardOf(stream);
    return throughGuard(own, guard, since);
  };
  const kind = random.next();
  const time = Math.floor(world.clock.now) - random.between(-2000, 20_000);
  return new Browser(world, random.fork(), {
    name,
    endsLive: random.chance(0.2),
    format: random.chance(0.5) ? 'text' : 'json',
    filterNow,
    stream,
    everyMs: random.chance(0.4) ? random.pick(BEATS_MS) : null,
    since: kind < 0.15 ? 'latest' : kind < 0.3 ? time : kind < 0.4 ? -random.between(1, 50) : null,
    first: firstCursor(world, random),
    isCompressed: time % 2 === 0,
    pauseMs: isSlow ? 3000 : random.pick([0, 1, 50, 500, 3000]),
    cuts: isSlow ? 0 : random.pick([0, 0.02, 0.1, 0.4]),
  });
}

/** What the client got elsewhere: any place in the topic, now and then what fits no place in it. */
function firstCursor(world: World, random: Random): SentCursor {
  const { topic, ledger } = world.kafka;
  if (random.chance(0.7)) return { id: '', cursor: null };
  if (topic === null || random.chance(0.1)) return { id: 'no cursor', cursor: 'unreadable' };
  const offsets = new Map<number, number>();
  for (const [number, { stableEnd }] of topic.partitions.entries()) {
    if (random.chance(0.9)) offsets.set(number, random.between(0, stableEnd));
  }
  if (random.chance(0.05)) offsets.set(0, topic.partitions[0]!.stableEnd + random.between(1, 9));
  if (random.chance(0.07)) {
    offsets.set(topic.partitions.length + random.between(0, 2), random.between(0, 9));
  }
  const isForeign = ledger.hasIds && random.chance(0.1);
  const topicId = ledger.hasIds ? ledger.current!.topicId : NO_TOPIC_ID;
  const cursor = { topicId: isForeign ? 'deadbeef' : topicId, offsets, time: null };
  if (!random.chance(0.1)) return { id: encodeCursor(cursor), cursor };
  return { id: encodeCursorWithoutId(offsets), cursor: { ...cursor, topicId: NO_TOPIC_ID } };
}
