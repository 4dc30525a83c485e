import { describe, expect, test } from '@jest/globals';
import { kafka } from '../../test/support/kafka.ts';
import { newName } from '../../test/support/new_name.ts';
import { shared } from '../../test/support/shared.ts';
import { onEachSource, SourceProcess } from '../../test/support/source_process.ts';

onEachSource((runtime) => {
  const source = shared(() => SourceProcess.start(runtime, kafka.brokers));

  describe('RecordSource.describe()', () => {
    test('tells id, partitions and policy of a topic as it is now', async () => {
      const topic = await kafka.createTopic({ partitions: 3 });
      const plain = { name: topic.name, id: topic.id, partitions: 3 };
      expect(await source().describe(topic.name)).toEqual({
        ...plain,
        compacted: false,
        deletes: true,
        deleteRetentionMs: null,
      });
      await topic.configure({ 'cleanup.policy': 'compact,delete', 'delete.retention.ms': '5000' });
      await topic.addPartitions(4);
      expect(await source().describe(topic.name)).toEqual({
        ...plain,
        partitions: 4,
        compacted: true,
        deletes: true,
        deleteRetentionMs: 5000,
      });
    });

    test('gives null for a topic that does not exist, and makes none', async () => {
      const name = newName();
      expect(await source().describe(name)).toBeNull();
      expect(await source().describe(name)).toBeNull();
      expect(await source().status()).toEqual({ up: true, error: null });
    });
  });

  describe('RecordSource.offsets()', () => {
    test('tells where partitions begin and end', async () => {
      const topic = await kafka.createTopic({ partitions: 3 });
      await topic.produce({ value: 'a' }, { value: 'b' }, { value: 'c', partition: 2 });
      await topic.deleteBefore(1);
      expect(await source().offsets(topic, [0, 1, 2], 'earliest')).toEqual({ 0: 1, 1: 0, 2: 0 });
      expect(await source().offsets(topic, [0, 1, 2], 'latest')).toEqual({ 0: 2, 1: 0, 2: 1 });
      expect(await source().offsets(topic, [2], 'latest')).toEqual({ 2: 1 });
    });

    test('ends before the first transaction that is open, and after its marker', async () => {
      const topic = await kafka.createTopic();
      await topic.produce({ value: 'a' });
      const open = await topic.begin({ value: 'b' });
      await topic.produce({ value: 'c' });
      expect(await source().offsets(topic, [0], 'latest')).toEqual({ 0: 1 });
      await open.commit();
      expect(await source().offsets(topic, [0], 'latest')).toEqual({ 0: 4 });
    });

    test('tells the first record of a time or a later one, where there is one', async () => {
      const configs = { 'retention.ms': '-1' };
      const topic = await kafka.createTopic({ partitions: 2, configs });
      for (const timestamp of [1000, 3000, 2000, 4000])
        await topic.produce({ value: '', timestamp });
      expect(await source().offsets(topic, [0], 0)).toEqual({ 0: 0 });
      expect(await source().offsets(topic, [0], 1000)).toEqual({ 0: 0 });
      expect(await source().offsets(topic, [0], 1001)).toEqual({ 0: 1 });
      expect(await source().offsets(topic, [0], 3001)).toEqual({ 0: 3 });
      expect(await source().offsets(topic, [0, 1], 4000)).toEqual({ 0: 3 });
      expect(await source().offsets(topic, [0, 1], 4001)).toEqual({});
    });

    test('fails for a topic that does not exist, which is no trouble of the brokers', async () => {
      const topic = { name: newName(), id: '00000000' };
      await expect(source().offsets(topic, [0], 'latest')).rejects.toThrow('does not host');
      expect(await source().status()).toEqual({ up: true, error: null });
    });
  });
});
