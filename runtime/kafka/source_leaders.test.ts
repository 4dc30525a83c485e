import { expect } from '@jest/globals';
import { eventually } from '../../test/support/deadline.ts';
import { TestKafka, type Topic } from '../../test/support/kafka.ts';
import { KafkaCluster } from '../../test/support/kafka_cluster.ts';
import { shared } from '../../test/support/shared.ts';
import { testSideBySide } from '../../test/support/side_by_side.ts';
import { SOURCES, SourceProcess } from '../../test/support/source_process.ts';

const cluster = shared(() => KafkaCluster.start());
const kafka = shared(async () => new TestKafka(cluster().brokers));

/** The port of a partition's leader, once there is one other than `unlike`. */
function leaderOf({ name }: Topic, partition: number, unlike?: number): Promise<number> {
  const ask = async (): Promise<number | null> => {
    const port = await kafka().leaderPort(name, partition);
    return port === unlike ? null : port;
  };
  return eventually(`a leader of partition ${partition}, not ${unlike}`, ask);
}

testSideBySide(
  SOURCES,
  'RecordSource.read() goes on without a gap when a leader dies, and when the partition moves back to it',
  async (runtime, meet) => {
    await using source = await SourceProcess.start(runtime, cluster().brokers);
    const topic = await meet(() => kafka().createTopic({ replicas: 3 }));
    await using read = await source.read(topic);
    await meet(() => topic.produce({ value: '0' }));
    await read.untilAt({ 0: 1 });

    const first = await leaderOf(topic, 0);
    await meet(() => cluster().kill(first));
    const second = await leaderOf(topic, 0, first);
    await meet(() => topic.produce({ value: '1' }));
    await read.untilAt({ 0: 2 });

    await meet(() => cluster().start(first));
    await leaderOf(topic, 0, second);
    await meet(() => topic.produce({ value: '2' }));
    await read.untilAt({ 0: 3 });
    expect(read.records.map(({ offset, value }) => [offset, value])).toEqual([
      [0, '0'],
      [1, '1'],
      [2, '2'],
    ]);
    expect(await source.offsets(topic, [0], 'latest')).toEqual({ 0: 3 });
  },
);

testSideBySide(
  SOURCES,
  'RecordSource.read() goes on without a gap in other partitions while one has no leader, and in that one later',
  async (runtime, meet) => {
    await using source = await SourceProcess.start(runtime, cluster().brokers);
    const topic = await meet(() => kafka().createTopic({ partitions: 3 }));
    await using read = await source.read(topic, { 0: 0, 1: 0, 2: 0 });
    for (const partition of [0, 1, 2]) await meet(() => topic.produce({ value: 'a', partition }));
    await read.untilAt({ 0: 1, 1: 1, 2: 1 });

    const dead = await leaderOf(topic, 0);
    await meet(() => cluster().kill(dead));
    await meet(() => topic.produce({ value: 'b', partition: 1 }, { value: 'b', partition: 2 }));
    await read.untilAt({ 1: 2, 2: 2 });
    expect(read.positions.get(0)).toBe(1);
    expect((await source.status()).up).toBe(true);

    await meet(() => cluster().start(dead));
    await leaderOf(topic, 0);
    await meet(() => topic.produce({ value: 'b', partition: 0 }));
    await read.untilAt({ 0: 2, 1: 2, 2: 2 });
    expect(read.values).toEqual(['a', 'a', 'a', 'b', 'b', 'b']);
  },
);
