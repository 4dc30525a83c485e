import { expect } from '@jest/globals';
import { within } from '../support/deadline.ts';
import { freePort } from '../support/free_port.ts';
import { HostedGateway } from '../support/hosted_gateway.ts';
import { TestKafka, type Topic } from '../support/kafka.ts';
import { OwnKafka } from '../support/own_kafka.ts';
import { RUNTIMES } from '../support/runtimes.ts';
import { shared } from '../support/shared.ts';
import { testSideBySide } from '../support/side_by_side.ts';
import type { SseStream } from '../support/sse_stream.ts';
import { StreamGroup } from '../support/stream_group.ts';
import { gapBlock } from '../support/wire_format.ts';

const KEYS = ['a', 'b', 'c', 'a', 'd'];

const broker = shared(async () => OwnKafka.start(await freePort()));
const kafka = shared(async () => new TestKafka(broker().brokers));

testSideBySide(
  RUNTIMES,
  'a log that the broker lost the end of is told to those who are connected and those who come back, and goes on',
  async (runtime, meet) => {
    const topics: Topic[] = [];
    for (const compacted of [false, true]) {
      const topic = await kafka().createTopic({ compacted, partitions: 2 });
      for (const [n, key] of KEYS.entries()) await topic.produce({ key, value: `old ${n}` });
      await topic.produce({ key: 'e', value: 'other', partition: 1 });
      topics.push(topic);
    }
    await using gateway = await HostedGateway.startReady(runtime, {
      topics: topics.map(({ name }) => name),
      env: { KAFKA_BROKERS: broker().brokers },
    });
    await using group = new StreamGroup();
    const streams: SseStream[] = [];
    for (const topic of topics) {
      const stream = group.add(await gateway.stream(`/${topic.name}`));
      await stream.until('the last records', () => {
        return stream.events.at(-1)?.id === topic.cursor(5, 1);
      });
      streams.push(stream);
    }

    await meet(() => broker().kill());
    for (const { name } of topics) await broker().truncate(name, 0, 3);
    await meet(() => broker().start());
    for (const [kind, topic] of topics.entries()) {
      const stream = streams[kind]!;
      const before = kind === 0 ? 6 : 5;
      await within('the gap', stream.untilEvents(before + 1));
      await using back = await gateway.stream(`/${topic.name}`, {
        headers: { 'last-event-id': topic.cursor(5, 1) },
      });
      await back.untilEvents(1);
      await topic.produce({ key: 'f', value: 'new 3' });
      const expected = [
        gapBlock('truncated', topic.name, [[0, 5, 3]], topic.cursor(3, 1)),
        `data:new 3\nid:${topic.cursor(4, 1)}\n\n`,
      ];
      const told = (await stream.untilEvents(before + 2)).slice(before);
      expect(told.map(({ raw }) => raw)).toEqual(expected);
      expect((await back.untilEvents(2)).map(({ raw }) => raw)).toEqual(expected);

      // What was superseded by a record that is lost is the latest again.
      await using fresh = await gateway.stream(`/${topic.name}`);
      const values = (await fresh.untilEvents(5)).map(({ data }) => data);
      expect(values.sort()).toEqual(['new 3', 'old 0', 'old 1', 'old 2', 'other']);
    }
  },
);
