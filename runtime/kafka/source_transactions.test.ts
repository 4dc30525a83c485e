import { describe, expect, test } from '@jest/globals';
import { kafka, type NewRecord } from '../../test/support/kafka.ts';
import { shared } from '../../test/support/shared.ts';
import { onEachSource, SourceProcess } from '../../test/support/source_process.ts';

function values(...all: readonly string[]): NewRecord[] {
  return all.map((value) => ({ value }));
}

/** As many bytes as two fetches bring. */
const LARGE = 'x'.repeat(200_000);
const LARGE_COUNT = 12;

onEachSource((runtime) => {
  const source = shared(() => SourceProcess.start(runtime, kafka.brokers));

  describe('RecordSource.read() of transactions', () => {
    test('gives what is committed, and goes past markers and what is aborted', async () => {
      const topic = await kafka.createTopic();
      await (await topic.begin(...values('aborted 0', 'aborted 1'))).abort();
      await (await topic.begin(...values('committed 3', 'committed 4'))).commit();
      await topic.produce(...values('plain 6'));
      await (await topic.begin(...values('aborted 7'))).abort();
      await (await topic.begin(...values('aborted 9'))).abort();
      for (const from of [0, 1, 4, 8]) {
        await using read = await source().read(topic, { 0: from });
        await read.untilAt({ 0: 11 });
        const shown = ['committed 3', 'committed 4', 'plain 6'];
        expect(read.values).toEqual(shown.filter((value) => Number(value.split(' ')[1]) >= from));
        for (const { value, offset } of read.records) expect(value).toMatch(` ${offset}`);
        expect(read.positions.get(0)).toBe(11);
      }
    });

    test('tells those of several producers apart that write by turns', async () => {
      const topic = await kafka.createTopic();
      const a = await topic.begin(...values('a 0'));
      const b = await topic.begin(...values('b 1'));
      await topic.produce(...values('plain 2'));
      await a.produce(...values('a 3'));
      await b.produce(...values('b 4'));
      await a.abort();
      const c = await topic.begin(...values('c 6'));
      await b.produce(...values('b 7'));
      await b.commit();
      await c.produce(...values('c 9'));
      await c.abort();
      await using read = await source().read(topic);
      await read.untilAt({ 0: 11 });
      expect(read.values).toEqual(['b 1', 'plain 2', 'b 4', 'b 7']);
    });

    test('aborts and commits of one producer one after the other', async () => {
      const topic = await kafka.createTopic();
      const shown: string[] = [];
      for (let n = 0; n < 20; n++) {
        const isCommitted = n % 3 === 1;
        const transaction = await topic.begin(...values(`${2 * n}`));
        await (isCommitted ? transaction.commit() : transaction.abort());
        if (isCommitted) shown.push(`${2 * n}`);
      }
      await using read = await source().read(topic);
      await read.untilAt({ 0: 40 });
      expect(read.values).toEqual(shown);
    });

    test('drops an aborted one that takes several fetches, and keeps what lies between', async () => {
      const topic = await kafka.createTopic();
      const large = await topic.begin(...values('begin'));
      const other = await topic.begin(...values('other begin'));
      for (let n = 0; n < LARGE_COUNT; n++) {
        await large.produce(...values(`${n} ${LARGE}`));
        await topic.produce(...values(`plain ${n}`));
      }
      await other.produce(...values('other end'));
      await large.abort();
      await other.commit();
      await topic.produce(...values('last'));
      const end = (await source().offsets(topic, [0], 'latest'))[0]!;
      const plain = Array.from({ length: LARGE_COUNT }, (_, n) => `plain ${n}`);
      const shown = ['other begin', ...plain, 'other end', 'last'];
      for (const [from, left] of [
        [0, 0],
        // Among the aborted records, so that the first fetch does not see where they begin.
        [9, 4],
      ] as const) {
        await using read = await source().read(topic, { 0: from });
        await read.untilAt({ 0: end });
        expect(read.values).toEqual(shown.slice(left));
      }
    });

    test('waits before one that is open, and gives it whole once it is committed', async () => {
      const topic = await kafka.createTopic();
      await topic.produce(...values('before'));
      const open = await topic.begin(...values('open 1'));
      await topic.produce(...values('behind'));
      await using read = await source().read(topic);
      await read.untilAt({ 0: 1 });
      await open.produce(...values('open 2'));
      expect(await source().offsets(topic, [0], 'latest')).toEqual({ 0: 1 });
      expect(read.values).toEqual(['before']);
      await open.commit();
      await read.untilAt({ 0: 5 });
      expect(read.values).toEqual(['before', 'open 1', 'behind', 'open 2']);
    });

    test('gives nothing of a topic that holds only traces of them, and its end', async () => {
      const topic = await kafka.createTopic({ partitions: 2 });
      await (await topic.begin({ value: 'x' }, { value: 'x', partition: 1 })).abort();
      await using read = await source().read(topic, { 0: 0, 1: 1 });
      await read.untilAt({ 0: 2, 1: 2 });
      expect(read.records).toEqual([]);
    });
  });
});
