import { parseStreamsFile } from '../../app/channels/streams_file.ts';
import { parseConfig } from '../../app/config/config.ts';
import { createGateway } from '../../app/gateway.ts';
import { CountedSlots } from '../../app/http/stream_slots.ts';
import { MemoryKafka } from '../host/memory_kafka.ts';
import { MemorySource } from '../host/memory_source.ts';
import { Random } from './random.ts';
import { RightsClient, type RightsGateway, type RightsWorld } from './rights_client.ts';
import { AUDIENCE, ISSUER, RightsIssuer } from './rights_issuer.ts';
import { anyUser, RightsOfPaths, TOPICS } from './rights_of_paths.ts';
import type { Outcome } from './scenario.ts';
import type { VirtualClock } from './virtual_clock.ts';
import { World } from './world.ts';

/** Between two looks at all clients; time stands still while they are answered. */
const STEP_MS = 50;
/** Once nothing disturbs any more: a token, a wait, and a question for keys. */
const DRAIN_MS = 60_000;
const ENV = {
  KAFKA_BROKERS: 'kafka:9092',
  STREAMS_FILE: 'streams.yaml',
  JWT_ISSUER: ISSUER,
  JWT_AUDIENCE: AUDIENCE,
  JWT_JWKS_URL: `${ISSUER}/keys`,
  HEARTBEAT_SECONDS: '0',
  STALL_SECONDS: '0',
};

/**
 * Users, tokens, keys and rights that come and go, out of the seed: each client has to get the records
 * of its rights and no others, each exactly once, and to be told what the contract says.
 */
export async function runRightsScenario(seed: number, isTraced: boolean): Promise<Outcome> {
  const random = new Random(seed);
  const world = new World(true, isTraced);
  const uninstall = world.clock.install();
  const restore = installBeside(world.clock, new Random(-seed));
  try {
    await play(world, random);
  } finally {
    restore();
    uninstall();
  }
  return world;
}

async function play(world: World, random: Random): Promise<void> {
  const { clock } = world;
  const kafka = new MemoryKafka();
  const produced = new Map<string, string[][]>();
  for (const [number, topic] of TOPICS.entries()) {
    const partitions = random.between(1, 3);
    kafka.create(topic, `0102030${number}`, partitions, {});
    produced.set(
      topic,
      Array.from({ length: partitions }, () => []),
    );
  }
  const issuer = new RightsIssuer(clock);
  const rights = new RightsOfPaths(random);
  const gateways: RightsGateway[] = [];
  const ends: AbortController[] = [];
  const start = (at: number): void => {
    const { web, told } = issuer.seenBy();
    const config = parseConfig(ENV);
    const files = { read: () => Promise.reject(new Error('there is none')) };
    const slots = new CountedSlots(config);
    const ports = { web, files };
    const gateway = createGateway(config, new MemorySource(kafka), new Map(), slots, ports);
    gateway.serve(parseStreamsFile(rights.text, true));
    const end = new AbortController();
    void gateway.run(end.signal);
    gateways[at] = { gateway, told, isUp: true };
    ends[at] = end;
  };
  for (let at = random.between(1, 2); at > 0; at--) start(at - 1);
  const shared: RightsWorld = { world, issuer, rights, gateways, produced, isCalm: false };
  const clients = Array.from({ length: random.between(3, 7) }, (_, number) => {
    const sub = random.pick(['alice', 'bob']);
    const path = random.pick(['/orders', '/all', '/my/alice', '/my/bob']);
    return new RightsClient(shared, random.fork(), `client ${number}`, anyUser(random, sub), path);
  });
  const maxBytes = random.pick([40, 400, 200_000]);
  const produce = (): void => {
    const topic = random.pick(TOPICS);
    const all = produced.get(topic)!;
    const partition = random.between(0, all.length - 1);
    const fill = random.chance(0.2) ? random.between(0, maxBytes) : 10;
    const value = `${topic}/${partition}/${all[partition]!.length}|${'x'.repeat(fill)}`;
    all[partition]!.push(value);
    const bytes = new TextEncoder().encode(value);
    const record = { partition, timestamp: clock.now, key: null, value: bytes, headers: [] };
    kafka.produce(topic, [record], false);
  };
  const reload = (): void => {
    world.note(() => `rights are ${rights.text}`);
    for (const { gateway, isUp } of gateways) {
      if (isUp) gateway.serve(parseStreamsFile(rights.text, true));
    }
    for (const client of clients) client.reloaded();
  };
  const restart = (at: number): void => {
    const gateway = gateways[at]!;
    if (!gateway.isUp) return;
    gateway.isUp = false;
    ends[at]!.abort();
    clock.setTimeout(() => start(at), random.between(0, 3000));
  };
  const happen = (): void => {
    if (random.chance(0.25)) produce();
    if (random.chance(0.008)) {
      rights.change(random);
      reload();
    }
    if (random.chance(0.006)) issuer.rotate(random.chance(0.7));
    if (random.chance(0.02)) issuer.isUp = !issuer.isUp;
    if (random.chance(0.003)) restart(random.between(0, gateways.length - 1));
  };
  const step = async (): Promise<void> => {
    await clock.advance(clock.now + STEP_MS, () => world.failure !== null);
    for (const client of clients) {
      if (world.failure !== null) return;
      await client.step().catch((error) => world.fail(`${client.name}: ${error.message}`));
    }
  };

  for (const end = clock.now + random.between(10, 60) * 1000; clock.now < end; ) {
    if (world.failure !== null) break;
    happen();
    await step();
  }
  issuer.isUp = true;
  shared.isCalm = true;
  for (const client of clients) client.calmDown();
  const isDone = (): boolean => clients.every(({ isComplete }) => isComplete);
  for (const end = clock.now + DRAIN_MS; clock.now < end && !isDone(); ) {
    if (world.failure !== null) break;
    await step();
  }
  for (const { name, path, isComplete } of clients) {
    if (!isComplete) world.fail(`${name} at ${path} lacks something that it may read`);
  }
  for (const gateway of gateways) gateway.isUp = false;
  for (const end of ends) end.abort();
  await clock.advance(clock.now + 5000);
}

/** What a gateway has of the runtime beside what the core has. @returns how to undo it */
function installBeside(clock: VirtualClock, random: Random): () => void {
  const { setInterval, clearInterval } = globalThis;
  const { random: mathRandom } = Math;
  Math.random = () => random.next();
  const running = new Set<object>();
  const start = (run: () => void, milliseconds: number): object => {
    const interval = {};
    const again = (): void => {
      if (!running.has(interval)) return;
      run();
      clock.setTimeout(again, milliseconds);
    };
    running.add(interval);
    clock.setTimeout(again, milliseconds);
    return interval;
  };
  Object.assign(globalThis, {
    setInterval: start,
    clearInterval: (interval: object) => running.delete(interval),
  });
  return () => {
    Object.assign(globalThis, { setInterval, clearInterval });
    Math.random = mathRandom;
  };
}
