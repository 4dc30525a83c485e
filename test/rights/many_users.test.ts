import { describe, expect, test } from '@jest/globals';
import { SignJWT } from 'jose';
import { parseStreamsFile } from '../../app/channels/streams_file.ts';
import { parseConfig } from '../../app/config/config.ts';
import { createGateway } from '../../app/gateway.ts';
import { CountedSlots } from '../../app/http/stream_slots.ts';
import type { ClientConnection } from '../../app/ports/client_connection.ts';
import { MemoryKafka } from '../host/memory_kafka.ts';
import { MemorySource } from '../host/memory_source.ts';
import { eventually, within } from '../support/deadline.ts';
import { IS_ALL } from '../support/tier.ts';
import { Audit } from './audit.ts';
import { type Marked, marksIn } from './marked.ts';
import { type User, World } from './world.ts';

const SEEDS = IS_ALL ? 100 : 3;
const SECRET = new TextEncoder().encode('s'.repeat(32));
const ISSUER = 'https://issuer.example';
const CONNECTION: ClientConnection = {
  address: '192.0.2.1',
  pendingBytes: 0,
  measureProgress: () => 0,
  letGo() {},
  cut() {},
};
const PORTS = {
  web: { get: () => Promise.reject(new Error('nothing is asked')) },
  files: { read: async () => SECRET },
};

function tokenOf({ claims }: User): Promise<string> {
  return new SignJWT({ iss: ISSUER, aud: 'gateway', ...claims })
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime('1h')
    .sign(SECRET);
}

const recordOf = ({ key, value, headers }: Marked) => ({
  partition: 0,
  timestamp: 0,
  key,
  value,
  headers: headers.map(([name, bytes]) => [name, bytes] as const),
});

/** A stream that stays open, and all that it has sent. */
class OpenStream {
  text = '';
  isOver = false;

  constructor({ body }: Response) {
    void this.#read(body!);
  }

  async #read(body: ReadableStream<Uint8Array>): Promise<void> {
    for await (const bytes of body) this.text += Buffer.from(bytes).toString('latin1');
    this.isOver = true;
  }
}

async function runSeed(seed: number, signal: AbortSignal): Promise<void> {
  const world = new World(seed, seed);
  const kafka = new MemoryKafka();
  for (const { name, isCompacted } of world.topics) {
    kafka.create(name, '01020304', 1, { 'cleanup.policy': isCompacted ? 'compact' : 'delete' });
  }
  const produce = (): void => {
    for (const [{ name }, records] of world.write()) {
      kafka.produce(name, records.map(recordOf), false);
    }
  };
  produce();
  const config = parseConfig({
    KAFKA_BROKERS: 'kafka:9092',
    TOPICS: '',
    STREAMS_FILE: 'streams.yaml',
    // Streams are looked at eight times in it.
    HEARTBEAT_SECONDS: '1',
    JWT_ISSUER: ISSUER,
    JWT_AUDIENCE: 'gateway',
    JWT_SECRET_FILE: 'secret',
    REQUIRE: world.require.cel,
  });
  const slots = new CountedSlots(config);
  const gateway = createGateway(config, new MemorySource(kafka), new Map(), slots, PORTS);
  gateway.serve(parseStreamsFile(world.streamsFile, true));
  void gateway.run(signal);
  await eventually('the topics', async () => gateway.health().missing.length === 0);
  const ask = async (path: string, init: RequestInit) =>
    gateway.fetch(new Request(`https://gateway.example${path}`, init), CONNECTION);

  const audit = new Audit(world, ask, tokenOf);
  await within(`the answers of seed ${seed}`, audit.run());
  expect([seed, audit.faults]).toEqual([seed, []]);

  // Streams that stay open while rights change, every other one with a filter of its client's own.
  const open = await Promise.all(
    audit.targets().flatMap((target) =>
      world.users.map(async (user) => {
        const { served, params } = target;
        const own = world.random.chance(0.5) ? world.ownFilter(served) : null;
        const isJson = world.random.chance(0.5);
        const path = `${target.path}?format=${isJson ? 'json' : 'text'}&${own?.query ?? ''}`;
        const visible = () => world.visible(user, served, params, own);
        const headers = { authorization: `Bearer ${await tokenOf(user)}` };
        const stream = new OpenStream(await ask(path, { headers }));
        return { served, path, visible, isLetIn: visible() !== null, stream };
      }),
    ),
  );
  const hasAll = ({ path, visible, stream }: (typeof open)[number]) =>
    eventually(`all records of ${path}`, async () => {
      const seen = marksIn(stream.text);
      return visible()!.needed.every((mark) => seen.has(mark));
    });
  produce();
  const letIn = open.filter(({ isLetIn }) => isLetIn);
  for (const one of letIn) await hasAll(one);
  world.change();
  gateway.serve(parseStreamsFile(world.streamsFile, true));
  const changed = letIn.filter(({ served }) => !world.served.includes(served));
  for (const { path, stream } of changed) {
    await eventually(`the end of ${path}`, async () => stream.isOver);
  }
  const before = new Map(changed.map(({ stream }) => [stream, stream.text]));
  produce();
  for (const one of letIn) {
    const { path, visible, stream } = one;
    if (before.has(stream)) {
      expect(stream.text).toBe(before.get(stream));
      continue;
    }
    await hasAll(one);
    const { allowed } = visible()!;
    expect([path, [...marksIn(stream.text)].filter((mark) => !allowed.has(mark))]).toEqual([
      path,
      [],
    ]);
  }
  for (const { isLetIn, stream } of open) {
    if (!isLetIn) expect(marksIn(stream.text).size).toBe(0);
  }
  const again = new Audit(world, ask, tokenOf);
  await within(`the answers of seed ${seed}, anew`, again.run());
  expect([seed, again.faults]).toEqual([seed, []]);
}

describe('a gateway of many users', () => {
  test('marksIn() finds what is hidden in base64 of either alphabet', () => {
    const mark = 'mk0123456789ab';
    for (let at = 0; at < 6; at++) {
      for (const encoding of ['base64', 'base64url', 'utf8'] as const) {
        const bytes = Buffer.concat([Buffer.alloc(at, 0xff), Buffer.from(`${mark}é`)]);
        const text = bytes.toString(encoding === 'utf8' ? 'latin1' : encoding);
        expect([...marksIn(`{"a":"${text}"}`)]).toEqual([mark]);
      }
    }
  });

  test(`shows nobody what they have no right to see, whatever is asked for, with ${SEEDS} seeds`, async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const end = new AbortController();
      await runSeed(seed, end.signal).finally(() => end.abort());
    }
  });
});
