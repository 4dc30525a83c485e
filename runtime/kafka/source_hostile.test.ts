import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { eventually } from '../../test/support/deadline.ts';
import { freePort } from '../../test/support/free_port.ts';
import { TestKafka } from '../../test/support/kafka.ts';
import { OwnKafka } from '../../test/support/own_kafka.ts';
import { ProcessUse } from '../../test/support/process_use.ts';
import { Relay, type Spoil } from '../../test/support/relay.ts';
import { shared } from '../../test/support/shared.ts';
import {
  onEachSource,
  SourceProcess,
  type SourceRuntime,
} from '../../test/support/source_process.ts';

const MEASURED_MS = 3000;

/** Numbers that look random and are the same in every run. */
function numbersFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state;
  };
}

function sized(size: number, ...bytes: readonly number[]): Buffer {
  const frame = Buffer.from([0, 0, 0, 0, ...bytes]);
  frame.writeInt32BE(size, 0);
  return frame;
}

/** Writes for as long as somebody takes it, some 200 MB a second. */
function flood(client: Socket): void {
  const bytes = Buffer.alloc(1024 * 1024);
  const timer = setInterval(() => client.write(bytes), 5);
  client.on('close', () => clearInterval(timer));
}

const random = numbersFrom(9);

/** What a broker does to its answers. */
const SPOILS: Readonly<Record<string, Spoil>> = {
  noise: (bytes) => Buffer.from(bytes.map(() => random() >>> 24)),
  'noise of the right size': (bytes) => {
    const noise = Buffer.from(bytes.map(() => random() >>> 24));
    bytes.copy(noise, 0, 0, 8);
    return noise;
  },
  'HTTP instead of Kafka': () => Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'),
  'a size of 2 bytes': () => sized(2, 1, 2),
  'a size of 2 GB, and bytes without end': (_, client) => {
    flood(client);
    return sized(2 ** 31 - 1);
  },
  'half an answer, and the end': (bytes, client) => {
    setImmediate(() => client.end());
    return bytes.subarray(0, bytes.length / 2);
  },
  'half an answer, and nothing more': (bytes) => bytes.subarray(0, bytes.length / 2),
  'another answer than was asked for': (bytes) => {
    const other = Buffer.from(bytes);
    if (other.length > 8) other.writeInt32BE(other.readInt32BE(4) + 1000, 4);
    return other;
  },
};

const NAMES = Object.keys(SPOILS);

/** What a source did about a broker that spoiled its answers for a while. */
interface Outcome {
  readonly error: string | null;
  readonly values: readonly (readonly (string | null)[])[];
  readonly triesPerSecond: number;
  /** Of the process, in which the other sources are, too. */
  readonly use: ReturnType<ProcessUse['since']>;
}

/** A broker with a way in for each way to spoil its answers. */
async function startHostile(): Promise<Hostile> {
  const [port, ...inner] = await Promise.all(NAMES.concat('').map(() => freePort()));
  const relays = await Promise.all(inner.map((one) => Relay.start(one)));
  const listeners = relays.map((relay, n) => ({ port: inner[n]!, toldPort: relay.port }));
  const broker = await OwnKafka.start(port!, ...listeners);
  return new Hostile(broker, new Map(NAMES.map((name, n) => [name, relays[n]!])));
}

class Hostile implements AsyncDisposable {
  readonly #broker: OwnKafka;
  readonly #relays: ReadonlyMap<string, Relay>;
  readonly #kafka: TestKafka;

  constructor(broker: OwnKafka, relays: ReadonlyMap<string, Relay>) {
    this.#broker = broker;
    this.#relays = relays;
    this.#kafka = new TestKafka(broker.brokers);
  }

  /** A process with a source that is well. */
  start(runtime: SourceRuntime): Promise<SourceProcess> {
    return SourceProcess.start(runtime, this.#broker.brokers);
  }

  /** Reads, lets the broker spoil its answers, and reads on once it does not any more. */
  async try(process: SourceProcess, name: string): Promise<Outcome> {
    const relay = this.#relays.get(name)!;
    await using source = await process.open({ KAFKA_BROKERS: `localhost:${relay.port}` });
    const topic = await this.#kafka.createTopic();
    await topic.produce({ value: '0' });
    await using read = await source.read(topic);
    await read.untilAt({ 0: 1 });
    expect((await source.status()).up).toBe(true);
    const before = new ProcessUse(process);
    const from = relay.times.length;
    let error: string | null;
    let use: Outcome['use'];
    let triesPerSecond: number;
    const start = performance.now();
    relay.spoil = SPOILS[name]!;
    try {
      await topic.produce({ value: '1' });
      await expect(source.describe(topic.name)).rejects.toThrow(/\w/);
      const told = async (): Promise<string | null | false> => {
        const { up, error } = await source.status();
        return !up && error;
      };
      error = await eventually('the outage to be told', told);
      // So that tries are counted over some time.
      await delay(MEASURED_MS);
      triesPerSecond = ((relay.times.length - from) / (performance.now() - start)) * 1000;
      use = new ProcessUse(process).since(before);
    } finally {
      relay.spoil = null;
      // What was written to these would come before the answers.
      relay.cut();
    }
    await using late = await source.read(topic);
    for (const one of [read, late]) await one.untilAt({ 0: 2 });
    await eventually('the broker to be well', async () => (await source.status()).up);
    return { error, values: [read.values, late.values], triesPerSecond, use };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#kafka[Symbol.asyncDispose]();
    for (const relay of this.#relays.values()) await relay[Symbol.asyncDispose]();
    await this.#broker[Symbol.asyncDispose]();
  }
}

const hostile = shared(startHostile);

onEachSource((runtime) => {
  describe('RecordSource and a broker that sends', () => {
    const outcomes = new Map<string, Promise<Outcome>>();
    // Beside each other, as each takes its time.
    beforeAll(async () => {
      await using process = await hostile().start(runtime);
      for (const name of NAMES) {
        outcomes.set(name, hostile().try(process, name));
        outcomes.get(name)!.catch(() => {}); // It is told by the case.
      }
      await Promise.allSettled(outcomes.values());
    });

    test.each(NAMES)('%s: it waits, and goes on once the broker is well', async (name) => {
      const { error, values, triesPerSecond, use } = await outcomes.get(name)!;
      process.stderr.write(
        `tests: on ${runtime.name}, ${name}: ${JSON.stringify({ error, triesPerSecond, use })}\n`,
      );
      expect(error).toMatch(/\w/);
      expect(values).toEqual([
        ['0', '1'],
        ['0', '1'],
      ]);
      expect(triesPerSecond).toBeLessThan(20);
      expect(use.cpuShare).toBeLessThan(0.7);
      expect(use.logLines).toBeLessThan(10);
      expect(use.grownMb).toBeLessThan(256);
    });
  });
});
