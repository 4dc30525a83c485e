import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from '@jest/globals';
import { curl } from '../support/curl.ts';
import { eventually } from '../support/deadline.ts';
import { freePort } from '../support/free_port.ts';
import { Gateway } from '../support/gateway.ts';
import { H2Session } from '../support/h2_session.ts';
import { TestKafka, type Topic } from '../support/kafka.ts';
import { Load } from '../support/load.ts';
import { OwnKafka } from '../support/own_kafka.ts';
import { ProcessUse } from '../support/process_use.ts';
import { RUNTIMES } from '../support/runtimes.ts';
import { untilScraped } from '../support/scrape.ts';
import { shared } from '../support/shared.ts';
import { testSideBySide } from '../support/side_by_side.ts';
import { SseStream } from '../support/sse_stream.ts';
import { IS_ALL } from '../support/tier.ts';
import { readLog, untilAllOf } from '../support/written_log.ts';

/** Longer than one request to a broker may take. 60 s by hand: nothing happens later than that. */
const FROZEN_MS = Number(process.env['FROZEN_SECONDS'] ?? '8') * 1000;
const PARTITIONS = 3;

const ports: number[] = [];
let kafka!: TestKafka;
const broker = shared(async () => {
  ports.push(await freePort(), await freePort());
  const own = await OwnKafka.start(ports[0]!);
  kafka = new TestKafka(ports.map((port) => `localhost:${port}`).join());
  return own;
});

/** What happens to the broker: until it is gone, and until it is back. */
interface Outage {
  begin(): Promise<void>;
  end(): Promise<void>;
}
const FAULTS: Readonly<Record<string, Outage>> = {
  'is killed (kill -9)': { begin: () => broker().kill(), end: () => broker().start() },
  'is restarted in order': { begin: () => broker().stop(), end: () => broker().start() },
  'is frozen (SIGSTOP)': {
    begin: async () => {
      broker().freeze();
      await delay(FROZEN_MS);
    },
    end: async () => broker().thaw(),
  },
  'moves to another port': {
    begin: () => broker().kill(),
    end: () => broker().start(ports[1]!),
  },
};

/** Of `npm run test:all`: one that moves is killed as well, and `source_trouble.test.ts` kills one, too. */
const OF_ALL = ['is killed (kill -9)', 'is restarted in order'];

for (const [name, fault] of Object.entries(FAULTS)) {
  if (OF_ALL.includes(name) && !IS_ALL) continue;
  testSideBySide(
    RUNTIMES,
    `a broker that ${name} under load ends no stream, and costs no record`,
    async (runtime, meet) => {
      const topic: Topic = await kafka.createTopic({ partitions: PARTITIONS });
      await using gateway = await Gateway.startReady(runtime, {
        topics: [topic.name],
        env: { KAFKA_BROKERS: kafka.brokers },
      });
      const path = `/${topic.name}?format=json`;
      await using h2 = new H2Session(gateway.https);
      await using plain = await gateway.stream(path);
      await using other = await SseStream.open(`${gateway.https}${path}`, { h2: h2.session });
      await using load = new Load(topic, PARTITIONS);
      await plain.untilEvents(10 * PARTITIONS);

      const before = new ProcessUse(gateway);
      await meet(() => fault.begin());
      const status = await untilScraped('the outage to be told', gateway, (scrape) => {
        return scrape.value('sse_kafka_broker_up') === 0;
      });
      expect(status.value('sse_kafka_connections', { topic: topic.name })).toBe(2);
      expect(await gateway.readiness()).toMatchObject({
        status: 200,
        brokers: { up: false, error: expect.stringMatching(/\w/) },
      });
      expect((await curl(`${gateway.admin}/livez`)).status).toBe(200);

      await meet(() => fault.end());
      const back = performance.now();
      const { acked } = load;
      await eventually('records to be taken again', async () => load.acked > acked);
      const count = plain.events.length;
      await plain.untilEvents(count + 10);
      const use = new ProcessUse(gateway).since(before);
      const ms = Math.round(performance.now() - back);
      process.stderr.write(
        `tests: on ${runtime.name}, a broker that ${name}: records again after ${ms} ms; ` +
          `meanwhile ${JSON.stringify(use)}\n`,
      );
      await load.stop();
      const read = () => readLog(broker().brokers, topic.name);
      for (const stream of [plain, other]) await untilAllOf(stream, read);
      await eventually('the brokers to be up', async () => {
        return (await gateway.readiness()).brokers.up;
      });
      await untilScraped('the end of the outage to be told', gateway, (scrape) => {
        return scrape.value('sse_kafka_broker_up') === 1;
      });
      // A loop without a pause would use all of a core, and tell of each turn.
      expect(use.cpuShare).toBeLessThan(0.5);
      expect(use.logLines).toBeLessThan(12);
      expect(use.grownMb).toBeLessThan(64);
    },
  );
}
