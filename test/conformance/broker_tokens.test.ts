import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect } from '@jest/globals';
import { eventually } from '../support/deadline.ts';
import { Gateway, newFolder } from '../support/gateway.ts';
import { HostedGateway } from '../support/hosted_gateway.ts';
import { TestKafka } from '../support/kafka.ts';
import { newName } from '../support/new_name.ts';
import { NumberedLoad } from '../support/numbered_load.ts';
import { RUNTIMES } from '../support/runtimes.ts';
import { Scrape } from '../support/scrape.ts';
import { shared } from '../support/shared.ts';
import { testSideBySide } from '../support/side_by_side.ts';
import { IS_ALL } from '../support/tier.ts';
import { TokenKafka } from '../support/token_kafka.ts';

/** How long a token lasts, and how long the server is down of each twice as long. */
const [LASTS_S, DOWN_MS, ALL_MS] = IS_ALL ? [30, 5000, 600_000] : [6, 1000, 24_000];

const secured = shared(() => TokenKafka.start(LASTS_S));
let kafka!: TestKafka;
beforeAll(() => {
  kafka = new TestKafka(secured().brokers);
});
afterAll(() => kafka[Symbol.asyncDispose]());

testSideBySide(
  RUNTIMES,
  'a Kafka that asks for tokens: streams go on over their ends, with a token server that is down half of the time',
  async (runtime, meet) => {
    const topic = await meet(() => kafka.createTopic({ partitions: 2 }));
    await using gateway = await Gateway.startReady(runtime, {
      topics: [topic.name],
      env: secured().env,
    });
    await using stream = await gateway.stream(`/${topic.name}`);
    const written = await meet(async () => {
      const load = new NumberedLoad(topic);
      for (let passed = 0; passed < ALL_MS; passed += 2 * DOWN_MS) {
        await delay(DOWN_MS);
        secured().isUp = false;
        await delay(DOWN_MS);
        secured().isUp = true;
      }
      return load.stop();
    });
    const events = await stream.untilEvents(written.length);
    expect(events.map(({ data }) => data)).toEqual(written);
    expect(stream.isOver).toBe(false);
    // What it asks for anew in the middle of it all comes too, by connections of its own.
    await using late = await gateway.stream(`/${topic.name}`);
    const all = await late.untilEvents(written.length);
    expect(all.map(({ data }) => Number(data)).sort((a, b) => a - b)).toEqual(written.map(Number));
    // Of a token of 6 s the server may be down each time that it is tried.
    if (!IS_ALL) return;
    expect(gateway.stderr).not.toContain('authentication');
    const labels = { topic: topic.name };
    const { buckets } = (await Scrape.of(gateway)).one('sse_kafka_delivery_seconds', labels);
    const within = JSON.stringify(buckets);
    process.stderr.write(`tokens: records on ${runtime.name} by seconds under way: ${within}\n`);
  },
  ALL_MS + 600_000,
);

testSideBySide(
  RUNTIMES,
  'a token server that is down from the start ends no gateway: it says why, and goes on once there are tokens',
  async (runtime, meet) => {
    const topic = await meet(() => kafka.createTopic());
    await topic.produce({ value: runtime.name });
    await meet(async () => {
      secured().isUp = false;
    });
    await using gateway = await Gateway.start(runtime, {
      topics: [topic.name],
      env: secured().env,
    });
    await using stream = await gateway.stream(`/${topic.name}`);
    await eventually('the reason', async () => {
      const { brokers } = await gateway.readiness();
      return brokers.error?.startsWith('authentication: no token for the brokers: ') ?? false;
    });
    await meet(async () => {
      secured().isUp = true;
    });
    await gateway.untilReady();
    await stream.untilEvents(RUNTIMES.length);
    expect(gateway.stderr).not.toContain(secured().env['KAFKA_OAUTH_CLIENT_SECRET']);
  },
);

testSideBySide(
  RUNTIMES,
  'a token of a file that something else keeps fresh: one that is over is told, and what takes its place is read',
  async (runtime, meet) => {
    const topic = await meet(() => kafka.createTopic());
    const file = join(await newFolder(), newName());
    const renew = async (lasts: number): Promise<void> => {
      await writeFile(`${file}.new`, await secured().token(lasts));
      await rename(`${file}.new`, file);
    };
    await renew(-60);
    await using gateway = await HostedGateway.start(runtime, {
      topics: [topic.name],
      env: {
        KAFKA_BROKERS: secured().secured,
        KAFKA_SASL_MECHANISM: 'OAUTHBEARER',
        KAFKA_OAUTH_TOKEN_FILE: file,
      },
    });
    await using stream = await gateway.stream(`/${topic.name}`);
    await eventually('the end of it to be told', async () => {
      const { brokers } = await gateway.readiness();
      return brokers.error?.includes(`the one in ${file} is over`) ?? false;
    });
    await renew(600);
    await gateway.untilReady();
    await topic.produce({ value: 'x' });
    await stream.untilEvents(1);
  },
);
