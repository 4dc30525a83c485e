import { afterAll, describe, expect, test } from '@jest/globals';
import { eventually } from '../../test/support/deadline.ts';
import { freePort } from '../../test/support/free_port.ts';
import { kafka, TestKafka } from '../../test/support/kafka.ts';
import { newName } from '../../test/support/new_name.ts';
import { OwnKafka } from '../../test/support/own_kafka.ts';
import { shared } from '../../test/support/shared.ts';
import { testSideBySide } from '../../test/support/side_by_side.ts';
import { onEachSource, SOURCES, SourceProcess } from '../../test/support/source_process.ts';

onEachSource((runtime) => {
  const source = shared(() => SourceProcess.start(runtime, kafka.brokers));

  describe('RecordSource.read() at an offset that is not there', () => {
    test('goes on at the log start, when it lies below', async () => {
      const topic = await kafka.createTopic();
      await topic.produce(...['0', '1', '2', '3'].map((value) => ({ value })));
      await topic.deleteBefore(2);
      await using read = await source().read(topic, { 0: 1 });
      await read.untilAt({ 0: 4 });
      expect(read.records.map(({ offset }) => offset)).toEqual([2, 3]);
    });

    test('moves to the log start, when all was deleted', async () => {
      const topic = await kafka.createTopic({ partitions: 2 });
      await topic.produce({ value: '0' }, { value: '1' }, { value: 'x', partition: 1 });
      await topic.deleteBefore(2);
      await using read = await source().read(topic, { 0: 0, 1: 0 });
      await read.untilAt({ 0: 2, 1: 1 });
      expect(read.values).toEqual(['x']);
      await topic.produce({ value: '2' });
      await read.untilAt({ 0: 3 });
      expect(read.values).toEqual(['x', '2']);
    });

    test('goes back to the log start, when it lies beyond the end', async () => {
      const topic = await kafka.createTopic();
      await topic.produce(...['0', '1', '2'].map((value) => ({ value })));
      await topic.deleteBefore(1);
      await using read = await source().read(topic, { 0: 100 });
      await read.until('the last record', () => read.values.includes('2'));
      expect(read.records.map(({ offset }) => offset)).toEqual([1, 2]);
    });

    test('goes on when records are deleted while it waits', async () => {
      const topic = await kafka.createTopic();
      await topic.produce({ value: '0' });
      await using read = await source().read(topic);
      await read.untilAt({ 0: 1 });
      await topic.produce({ value: '1' }, { value: '2' });
      await topic.deleteBefore(3);
      await topic.produce({ value: '3' });
      await read.untilAt({ 0: 4 });
      expect(read.values.at(-1)).toBe('3');
    });
  });

  describe('RecordSource.read() of a topic that is made anew', () => {
    test('fails before it gives a record of the other one', async () => {
      const old = await kafka.createTopic();
      await old.produce({ value: '0' });
      await using early = await source().read(old);
      await early.untilAt({ 0: 1 });
      await kafka.deleteTopic(old.name);
      const topic = await kafka.createTopic({ name: old.name });
      await topic.produce({ value: 'another 0' }, { value: 'another 1' });
      await using late = await source().read(old);
      for (const read of [early, late]) {
        await read.until('the end', () => read.ended);
        expect(read.error).toMatch(`topic ${old.name} was deleted or made anew`);
      }
      expect(early.values).toEqual(['0']);
      expect(late.values).toEqual([]);
      await using read = await source().read(topic);
      await read.untilAt({ 0: 2 });
    });
  });
});

let broker: OwnKafka | undefined;
afterAll(() => broker?.[Symbol.asyncDispose]());

testSideBySide(
  SOURCES,
  'RecordSource while brokers are down tells it, waits, and goes on without a gap when they are back',
  async (runtime, meet) => {
    const port = await meet(() => freePort());
    await using own = await SourceProcess.start(runtime, `localhost:${port}`);
    const before = await own.status();
    expect(before.up).toBe(false);
    const name = await meet(async () => newName());
    await expect(own.describe(name)).rejects.toThrow(/\w/);
    const topic = await meet(async () => {
      broker = await OwnKafka.start(port);
      return new TestKafka(broker.brokers).createTopic({ name });
    });
    await meet(() => topic.produce({ value: '0' }));
    expect(await own.describe(name)).toMatchObject({ partitions: 1 });
    await using read = await own.read(topic);
    await read.untilAt({ 0: 1 });
    expect(await own.status()).toEqual({ up: true, error: null });

    await meet(() => broker!.kill());
    await eventually('the outage to be told', async () => !(await own.status()).up);
    expect((await own.status()).error).toMatch(/\w/);
    await using late = await own.read(topic);
    await expect(own.offsets(topic, [0], 'latest')).rejects.toThrow(/\w/);

    await meet(async () => {
      await broker!.start();
      await topic.produce({ value: '1' });
    });
    await read.untilAt({ 0: 2 });
    await late.untilAt({ 0: 2 });
    expect(read.values).toEqual(['0', '1']);
    expect(late.values).toEqual(['0', '1']);
    expect(await own.offsets(topic, [0], 'latest')).toEqual({ 0: 2 });
    await eventually('all to be well', async () => {
      const { up, error } = await own.status();
      return up && error === null;
    });
  },
);
