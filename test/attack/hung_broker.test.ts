import { connect, type Socket } from 'node:net';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import { curl } from '../support/curl.ts';
import { eventually } from '../support/deadline.ts';
import { freePort } from '../support/free_port.ts';
import { Gateway } from '../support/gateway.ts';
import { TestKafka, type Topic } from '../support/kafka.ts';
import { OwnKafka } from '../support/own_kafka.ts';
import { ProcessUse } from '../support/process_use.ts';
import { onEachRuntime } from '../support/runtime.ts';
import { shared } from '../support/shared.ts';

const CLIENTS = Number(process.env['CLIENTS'] ?? '5000');
/** Longer than a request to a broker may take. */
const HUNG_MS = 6500;
/** So much more than as many idle clients may it take, in MB. */
const MAX_MORE_MB = 50;
/** For hangs: the row that is printed tells how long it took. */
const ANSWERED_MS = 60_000;
const OPENED_AT_ONCE = 250;
const TEST_MS = 240_000;

/** Clients on sockets of their own; `first` is how many have got an id. */
class Clients {
  readonly #sockets: Socket[] = [];
  first = 0;

  async open(url: string, count: number, query: (n: number) => string): Promise<void> {
    const { hostname, port, pathname } = new URL(url);
    while (this.#sockets.length < count) {
      const heads: Promise<void>[] = [];
      while (this.#sockets.length < count && heads.length < OPENED_AT_ONCE) {
        const path = `${pathname}?${query(this.#sockets.length)}`;
        heads.push(this.#openOne(hostname, Number(port), path));
      }
      await Promise.all(heads);
    }
  }

  #openOne(host: string, port: number, path: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, host, () => {
        socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      });
      this.#sockets.push(socket);
      let isFirst = true;
      socket.on('data', (bytes) => {
        resolve();
        if (!isFirst || !bytes.includes('id:')) return;
        isFirst = false;
        this.first++;
      });
      socket.on('error', reject);
      socket.on('close', () => reject(new Error('closed without an answer')));
    });
  }

  close(): void {
    for (const socket of this.#sockets.splice(0)) socket.destroy();
  }
}

onEachRuntime((runtime) => {
  describe('a broker that hangs while clients ask for times', () => {
    let kafka!: TestKafka;
    const broker = shared(async () => {
      const port = await freePort();
      const own = await OwnKafka.start(port);
      kafka = new TestKafka(`localhost:${port}`);
      return own;
    });
    const clients = new Clients();

    afterEach(() => {
      broker().thaw();
      clients.close();
    });

    async function start(): Promise<{ topic: Topic; gateway: Gateway; url: string }> {
      const topic = await kafka.createTopic();
      await topic.produce(...Array.from({ length: 100 }, (_, n) => ({ value: `${n}` })));
      const env = { KAFKA_BROKERS: broker().brokers };
      const gateway = await Gateway.startReady(runtime, { topics: [topic.name], env });
      return { topic, gateway, url: `${gateway.http}/${topic.name}` };
    }

    /** What a gateway has in memory with as many clients that wait for records. */
    async function idleMb(): Promise<number> {
      const { gateway, url } = await start();
      await using _ = gateway;
      await clients.open(url, CLIENTS, () => 'since=latest');
      await eventually('their starts', async () => clients.first === CLIENTS);
      const { residentMb } = new ProcessUse(gateway);
      clients.close();
      clients.first = 0;
      return residentMb;
    }

    test(
      `ends nothing, costs no memory, and ${CLIENTS} get their answers once it is back`,
      async () => {
        const idle = await idleMb();
        const { gateway, url } = await start();
        await using _ = gateway;
        const before = new ProcessUse(gateway).residentMb;
        const now = Date.now();
        broker().freeze();
        const frozen = delay(HUNG_MS);
        await clients.open(url, CLIENTS, (n) => `since=${now - n * 7}`);
        await frozen;
        const hung = new ProcessUse(gateway).residentMb;
        const waiting = CLIENTS - clients.first;
        broker().thaw();
        const back = performance.now();
        await eventually(
          () => `${CLIENTS} starts, not ${clients.first}; the gateway said ${gateway.stderr}`,
          async () => clients.first === CLIENTS,
          ANSWERED_MS,
        );
        const answered = performance.now() - back;
        const most = Math.max(hung, new ProcessUse(gateway).residentMb);
        process.stderr.write(
          `attack: ${waiting} of ${CLIENTS} look-ups over a hung broker on ${runtime.name} | ` +
            `answered ${answered.toFixed()} ms after its return | RSS before ${before.toFixed()}, ` +
            `${CLIENTS} idle ${idle.toFixed()}, most ${most.toFixed()} MB\n`,
        );
        expect(waiting).toBeGreaterThan(CLIENTS / 2);
        expect(most - idle).toBeLessThan(MAX_MORE_MB);
        expect(await curl(`${gateway.admin}/livez`)).toMatchObject({ status: 200 });
        expect(gateway.stderr).not.toMatch(/"level":"(ERROR|FATAL)"/);
      },
      TEST_MS,
    );

    test(
      'ends with 0 at SIGINT, whatever is asked still, and lets clients leave at once',
      async () => {
        const { gateway, url } = await start();
        await using _ = gateway;
        broker().freeze();
        const now = Date.now();
        await clients.open(url, 1000, (n) => `since=${now - n}`);
        clients.close();
        await clients.open(url, 1000, (n) => `since=${now - n}`);
        gateway.kill('SIGINT');
        expect(await gateway.ended()).toBe(0);
        expect(gateway.stderr).not.toMatch(/"level":"(ERROR|FATAL)"/);
      },
      TEST_MS,
    );
  });
});
