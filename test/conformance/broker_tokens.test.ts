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
import { shared } from '../support/shared.ts';
import { testSideBySide } from '../support/side_by_side.ts';
import type { SseStream } from '../support/sse_stream.ts';
import { IS_ALL } from '../support/tier.ts';
import { TokenKafka } from '../support/token_kafka.ts';

/** How long a token lasts, and how long the server is down of each twice as long. */
const [LASTS_S, DOWN_MS, ALL_MS] = IS_ALL ? [30, 5000, 600_000] : [6, 1000, 24_000];

/**
 * How much later what comes with tokens may be than the same without; but for one in a hundred: of two
 * processes beside others on few cores either is behind by seconds now and then.
 */
const MOST_BEHIND_MS = 2000;

const secured = shared(() => TokenKafka.start(LASTS_S));
let kafka!: TestKafka;
beforeAll(() => {
  kafka = new TestKafka(secured().brokers);
});
afterAll(() => kafka[Symbol.asyncDispose]());

const streams: SseStream[] = [];

testSideBySide(
  RUNTIMES,
  'a Kafka that asks for tokens: streams go on over their ends, with a token server that is down half of the time',
  async (runtime, meet) => {
    const topic = await meet(() => kafka.createTopic({ partitions: 2 }));
    const topics = [topic.name];
    await using gateway = await Gateway.startReady(runtime, { topics, env: secured().env });
    await using stream = await gateway.stream(`/${topic.name}`);
    streams.push(stream);
    // What comes late to this one, too, the machine has held up.
    const env = { KAFKA_BROKERS: secured().brokers };
    await using beside = await HostedGateway.startReady(runtime, { topics, env });
    await using withoutTokens = await beside.stream(`/${topic.name}`);
    const { written, takenAt } = await meet(async () => {
      await using load = new NumberedLoad(topic);
      for (let ms = 0; ms < ALL_MS && !streams.some(({ isOver }) => isOver); ms += 2 * DOWN_MS) {
        await delay(DOWN_MS);
        secured().isUp = false;
        await delay(DOWN_MS);
        secured().isUp = true;
      }
      return { written: await load.stop(), takenAt: load.takenAt };
    }, ALL_MS);
    const came = stream.untilEvents(written.length);
    const events = await came.catch((error) => {
      throw new Error(`${error}${gateway.told}`);
    });
    expect(events.map(({ data }) => data)).toEqual(written);
    expect(stream.isOver).toBe(false);
    // What it asks for anew in the middle of it all comes too, by connections of its own.
    await using late = await gateway.stream(`/${topic.name}`);
    const all = await late.untilEvents(written.length);
    expect(all.map(({ data }) => Number(data)).sort((a, b) => a - b)).toEqual(written.map(Number));
    // Of a token of 6 s the server may be down each time that it is tried.
    if (!IS_ALL) return;
    expect(gateway.stderr).not.toContain('authentication');
    await withoutTokens.untilEvents(written.length);
    const behind = stream.cameAt.map((at, n) => at - withoutTokens.cameAt[n]!);
    const [lag, lagWithoutTokens] = [stream, withoutTokens].map(({ cameAt }) =>
      spread(cameAt.map((at, n) => at - takenAt[n]!)),
    );
    process.stderr.write(
      `tokens: on ${runtime.name}, ${written.length} records and ${secured().given} tokens: came after ` +
        `${lag}, without tokens after ${lagWithoutTokens}, the one behind the other ${spread(behind)}\n`,
    );
    expect(among(behind, 0.99)).toBeLessThan(MOST_BEHIND_MS);
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

/** Of milliseconds, in words. */
function spread(all: readonly number[]): string {
  const [half, most, last] = [0.5, 0.99, 1].map((share) => `${Math.round(among(all, share))} ms`);
  return `${half} (99 %: ${most}, all: ${last})`;
}

/** The greatest of this share of them, from the least on. */
function among(all: readonly number[], share: number): number {
  return all.toSorted((a, b) => a - b)[Math.floor(share * (all.length - 1))]!;
}
