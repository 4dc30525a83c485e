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

// A broker that dies costs its start: both topics see it die once.
testSideBySide(
  SOURCES,
  'RecordSource.read() goes on without a gap when a leader dies, and when the partition moves back to it; in other partitions while one has no leader, and in that one later',
  async (runtime, meet) => {
    await using source = await SourceProcess.start(runtime, cluster().brokers);
    const kept = await meet(() => kafka().createTopic({ replicas: 3 }));
    const alone = await meet(() => kafka().createTopic({ partitions: 3 }));
    const partitions = [0, 1, 2];
    await using read = await source.read(kept);
    await using others = await source.read(alone, { 0: 0, 1: 0, 2: 0 });
    await meet(() => kept.produce({ value: '0' }));
    for (const partition of partitions) {
      await meet(() => alone.produce({ value: 'a', partition }));
    }
    await read.untilAt({ 0: 1 });
    await others.untilAt({ 0: 1, 1: 1, 2: 1 });

    const dead = await leaderOf(kept, 0);
    const leaders: number[] = [];
    for (const partition of partitions) leaders.push(await leaderOf(alone, partition));
    const lost = leaders.indexOf(dead);
    const left = partitions.filter((partition) => partition !== lost);
    await meet(() => cluster().kill(dead));
    await meet(() => alone.produce(...left.map((partition) => ({ value: 'b', partition }))));
    await others.untilAt(Object.fromEntries(left.map((partition) => [partition, 2])));
    expect(others.positions.get(lost)).toBe(1);
    expect((await source.status()).up).toBe(true);
    const second = await leaderOf(kept, 0, dead);
    await meet(() => kept.produce({ value: '1' }));
    await read.untilAt({ 0: 2 });

    await meet(() => cluster().start(dead));
    await leaderOf(alone, lost);
    await meet(() => alone.produce({ value: 'b', partition: lost }));
    await others.untilAt({ 0: 2, 1: 2, 2: 2 });
    expect(others.values).toEqual(['a', 'a', 'a', 'b', 'b', 'b']);
    await leaderOf(kept, 0, second);
    await meet(() => kept.produce({ value: '2' }));
    await read.untilAt({ 0: 3 });
    expect(read.records.map(({ offset, value }) => [offset, value])).toEqual([
      [0, '0'],
      [1, '1'],
      [2, '2'],
    ]);
    expect(await source.offsets(kept, [0], 'latest')).toEqual({ 0: 3 });
  },
);
