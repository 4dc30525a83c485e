import { Buffer } from 'node:buffer';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type ClientEvent, ClientProcess } from '../clients/client_process.ts';
import {
  CLIENTS_TO_RUN,
  type Client,
  MISHAPS,
  type Mishap,
  type Outcome,
} from '../clients/clients.ts';
import { MishapRelay } from '../clients/mishap_relay.ts';
import { Gateway } from '../support/gateway.ts';
import type { GatewayClient } from '../support/gateway_client.ts';
import { HostedGateway } from '../support/hosted_gateway.ts';
import { HOSTILE_RECORDS } from '../support/hostile_records.ts';
import { kafka, type NewRecord, type Topic } from '../support/kafka.ts';
import { onRuntimesOfTier, type Runtime } from '../support/runtime.ts';
import type { SseStream } from '../support/sse_stream.ts';

onRuntimesOfTier((runtime) => {
  describe.each(['text', 'json'] as const)('values in format=%s come to', (format) => {
    const got = new Map<Client, readonly ClientEvent[] | Error>();
    let stream!: SseStream;
    const clients = CLIENTS_TO_RUN.filter(({ jsonOnly }) => format === 'json' || !jsonOnly);

    beforeAll(async () => {
      const topic = await kafka.createTopic();
      for (const [, record] of HOSTILE_RECORDS) await topic.produce(record);
      await using gateway = await HostedGateway.startReady(runtime, { topics: [topic.name] });
      const path = `/${topic.name}?format=${format}`;
      stream = await gateway.stream(path);
      const read = async (client: Client): Promise<void> => {
        const { name, command } = client;
        const running = new ClientProcess(name, command, gateway.http + path);
        const last = topic.cursor(HOSTILE_RECORDS.length);
        try {
          await running.until('the last record', () => running.events.at(-1)?.id === last);
          got.set(client, running.events);
        } catch (error) {
          got.set(client, error as Error);
        }
        await running[Symbol.asyncDispose]();
      };
      await stream.until('all', () => stream.blocks.length > HOSTILE_RECORDS.length);
      await Promise.all(clients.map(read));
    });
    afterAll(() => stream?.[Symbol.asyncDispose]());

    test.each(clients)('$name', (client) => {
      const events = got.get(client)!;
      if (events instanceof Error) throw events;
      const altered: string[] = [];
      const blocks = stream.blocks.slice(1, HOSTILE_RECORDS.length + 1);
      const { alteredText = [], endsAtText } = format === 'text' ? client : {};
      for (const [at, [title, record]] of HOSTILE_RECORDS.entries()) {
        if (title === endsAtText) {
          expect(events.at(-1)!.id).toBe(blocks[at - 1]!.id);
          break;
        }
        const { kind, event, data, id } = blocks[at]!;
        const of = events.filter((one) => one.id === id && one.event !== 'live');
        if (kind === 'id') {
          const empty = { event: 'message', data: '', id };
          expect(of).toEqual(client.showsBlocksWithoutData ? [empty] : []);
          continue;
        }
        expect([title, ...of.map((one) => one.event)]).toEqual([title, event]);
        if (of[0]!.data !== data) altered.push(title);
        else if (format === 'json') expect(bytesIn(data).equals(bytesOf(record))).toBe(true);
      }
      expect(altered).toEqual(alteredText);
    });
  });

  describe('what becomes of a record at', () => {
    const runs: MishapRun[] = [];
    beforeAll(async () => {
      const topics = await Promise.all(CLIENTS_TO_RUN.map(() => kafka.createTopic()));
      const names = topics.map(({ name }) => name);
      await using gateway = await HostedGateway.startReady(runtime, { topics: names });
      await using full = await refusing(runtime, names);
      const port = portOf(gateway);
      try {
        for (const [at, client] of CLIENTS_TO_RUN.entries()) {
          runs.push(new MishapRun(client, topics[at]!, await MishapRelay.start(port)));
        }
        const all = (act: (run: MishapRun) => Promise<void>) =>
          Promise.all(
            runs.map(async (run) => {
              if (run.failure !== null) return;
              await act(run).catch((error) => {
                run.failure = error;
              });
            }),
          );
        for (const mishap of MISHAPS) {
          await all((run) => run.suffer(mishap, port, portOf(full)));
          if (mishap === 'a restart') {
            await gateway.stop();
            await all((run) => run.missWhileAway(mishap));
            await gateway.start();
          }
          await all((run) => run.recover(mishap));
        }
      } finally {
        await Promise.all(runs.map((run) => run[Symbol.asyncDispose]()));
      }
    });

    test.each(CLIENTS_TO_RUN.map((client, at) => ({ ...client, at })))(
      '$name',
      ({ at, ...client }) => {
        const { outcomes, gaps, idsBy, failure } = runs[at]!;
        if (failure !== null) throw failure;
        const exact = Object.fromEntries(MISHAPS.map((mishap) => [mishap, 'exact']));
        expect(outcomes).toEqual({ ...exact, ...client.outcomes });
        expect(idsBy).toEqual(client.idBy);
        expect(gaps).toEqual([]);
      },
    );
  });
});

/** One client, its topic, and what stands between them. */
class MishapRun implements AsyncDisposable {
  readonly outcomes: Partial<Record<Mishap, Outcome>> = {};
  readonly gaps: ClientEvent[] = [];
  /** After one it is left alone. */
  failure: unknown = null;
  readonly #client: Client;
  readonly #topic: Topic;
  readonly #relay: MishapRelay;
  #running: ClientProcess | null = null;
  #written = 0;

  constructor(client: Client, topic: Topic, relay: MishapRelay) {
    this.#client = client;
    this.#topic = topic;
    this.#relay = relay;
  }

  /** The ways in which the id came, after the first request. */
  get idsBy(): string[] {
    return [...new Set(this.#relay.ids)].filter((by) => by !== 'none');
  }

  /** Has a record written while that happens to the stream. */
  async suffer(mishap: Mishap, gateway: number, full: number): Promise<void> {
    const relay = this.#relay;
    const { name } = this.#topic;
    const value = `"value":"${mishap}: meanwhile"}\n`;
    const id = this.#topic.cursor(this.#written + 1);
    const write = () => this.#write(`${mishap}: meanwhile`);
    const cutAfter = async (text: string, how?: 'end') => {
      const cut = relay.cutAfter(text, how);
      await write();
      await cut;
    };
    relay.behind = gateway;
    switch (mishap) {
      case 'a cut before the first record of since=latest': {
        const cut = relay.cutAfter(`id:${this.#topic.cursor(0)}\n\n`);
        this.#start(`http://localhost:${relay.port}/${name}?format=json&since=latest`);
        await cut;
        relay.behind = 'nobody';
        await write();
        relay.behind = gateway;
        break;
      }
      case 'a cut within the data':
        return cutAfter(value.slice(0, -12));
      case 'a cut before the id':
        return cutAfter(value);
      case 'a cut within the id':
        return cutAfter(`${value}id:${id.slice(0, 6)}`);
      case 'a cut before the blank line':
        return cutAfter(`${value}id:${id}\n`);
      case 'a cut after the block':
        return cutAfter(`${value}id:${id}\n\n`);
      case 'an end within the data':
        return cutAfter(value.slice(0, -12), 'end');
      case 'a refusal':
      case 'a 502 of a proxy':
        relay.behind = mishap === 'a refusal' ? full : 'bad gateway';
        await relay.endStreams();
        await relay.untilAnswered(() => this.#hasGivenUp);
        await write();
        relay.behind = gateway;
        break;
      case 'a restart':
        break;
    }
  }

  /** While the gateway is away. */
  async missWhileAway(mishap: Mishap): Promise<void> {
    await this.#write(`${mishap}: meanwhile`);
    await this.#relay.untilAnswered(() => this.#hasGivenUp);
  }

  /** Waits for the record after it, and judges. */
  async recover(mishap: Mishap): Promise<void> {
    const after = `${mishap}: after`;
    const running = this.#running!;
    await this.#relay.untilStreaming(() => this.#hasGivenUp);
    await this.#write(after);
    const has = (text: string) => running.events.filter(({ data }) => data.includes(`"${text}"`));
    await running.until(after, () => has(after).length > 0);
    if (this.#hasGivenUp) {
      this.outcomes[mishap] = 'gives up';
      const id = running.events.at(-1)?.id ?? this.#topic.cursor(this.#written);
      const from = `last_event_id=${encodeURIComponent(id)}`;
      this.#start(`http://localhost:${this.#relay.port}/${this.#topic.name}?format=json&${from}`);
      return;
    }
    this.gaps.push(...running.events.filter(({ event }) => event === 'gap'));
    const count = has(`${mishap}: meanwhile`).length;
    const isDamaged = running.events.some(
      ({ data }) => data.includes(`"${mishap}`) && !isJson(data),
    );
    if (isDamaged) this.outcomes[mishap] = 'damaged';
    else if (count === 0) this.outcomes[mishap] = 'lost';
    else this.outcomes[mishap] = count === 1 && has(after).length === 1 ? 'exact' : 'twice';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#running?.[Symbol.asyncDispose]();
    await this.#relay[Symbol.asyncDispose]();
  }

  get #hasGivenUp(): boolean {
    return this.#running!.hasEnded;
  }

  #start(url: string): void {
    this.#running = new ClientProcess(this.#client.name, this.#client.command, url);
  }

  async #write(value: string): Promise<void> {
    await this.#topic.produce({ value });
    this.#written += 1;
  }
}

/** A gateway that takes no stream: it drains, and streams of its own keep it from ending. */
async function refusing(
  runtime: Runtime,
  topics: readonly string[],
): Promise<AsyncDisposable & Gateway> {
  const gateway = await Gateway.startReady(runtime, { topics, env: { DRAIN_SECONDS: '200' } });
  for (let n = 0; n < 20; n += 1) await gateway.stream(`/${topics[0]!}`);
  gateway.kill('SIGTERM');
  return gateway;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function portOf({ http }: GatewayClient): number {
  return Number(new URL(http).port);
}

function bytesOf({ key, value }: NewRecord): Buffer {
  return Buffer.from(value ?? key ?? '');
}

/** The value that format=json tells of, of a delete the key. */
function bytesIn(json: string): Buffer {
  const { key, keyBase64, value, valueBase64 } = JSON.parse(json);
  const [text, base64] = value === null ? [key, keyBase64] : [value, valueBase64];
  return base64 === undefined ? Buffer.from(text) : Buffer.from(base64, 'base64');
}
