import { describe, expect, test } from '@jest/globals';
import { eventually } from '../support/deadline.ts';
import { Gateway } from '../support/gateway.ts';
import { kafka, type Topic } from '../support/kafka.ts';
import { onEachRuntime } from '../support/runtime.ts';
import { shared } from '../support/shared.ts';
import type { Block } from '../support/sse_stream.ts';
import { gapBlock, recordBlock } from '../support/wire_format.ts';

const TIME = 1_700_000_000_000;
const COMPACTED = ['compacted', 'sized'];
const KINDS = [...COMPACTED, ...['plain', 'committed', 'grown', 'deleted', 'recreated', 'changed']];

/** One case of each kind that test/contract/ has many of, with all that a user has. */
onEachRuntime((runtime) => {
  describe('with a real Kafka', () => {
    const topics = new Map<string, Topic>();
    const topic = (kind: string): Topic => topics.get(kind)!;
    const gateway = shared(async () => {
      for (const kind of KINDS) {
        const configs = { 'retention.ms': '-1' };
        topics.set(kind, await kafka.createTopic({ compacted: COMPACTED.includes(kind), configs }));
      }
      await topic('plain').produce(
        { key: 'a', value: 'one', timestamp: TIME },
        { key: null, value: 'two\nlines', timestamp: TIME + 1 },
        { key: 'gone', value: null, timestamp: TIME + 2, headers: [['etag', 'r4']] },
      );
      await topic('compacted').produce({ key: 'a', value: '1' }, { key: 'a', value: '2' });
      await topic('deleted').produce(...['1', '2', '3'].map((value) => ({ value })));
      await topic('deleted').deleteBefore(2);
      const names = [...topics.values()].map(({ name }) => name);
      return Gateway.startReady(runtime, { topics: names });
    });

    test('a record comes from before and live, and a delete as one', async () => {
      const { name, produce, cursor } = topic('plain');
      await using stream = await gateway().stream(`/${name}`);
      await stream.untilEvents(3);
      await produce({ value: Uint8Array.of(0xff), timestamp: TIME + 3 });
      const [one, two, gone, live] = (await stream.untilEvents(4)).map(({ raw }) => raw);
      const bytes = (text: string): Uint8Array => Buffer.from(text);
      expect(one).toBe(recordBlock({ key: bytes('a'), value: bytes('one') }, cursor(1)));
      expect(two).toBe(recordBlock({ key: null, value: bytes('two\nlines') }, cursor(2)));
      expect(gone).toBe(recordBlock({ key: bytes('gone'), value: null }, cursor(3)));
      expect(live).toBe(recordBlock({ key: null, value: Uint8Array.of(0xff) }, cursor(4)));
    });

    test('json has key, time and headers, and a time is where a client begins', async () => {
      const { name, cursor } = topic('plain');
      const path = `/${name}?format=json&since=${TIME + 1}`;
      await using stream = await gateway().stream(path);
      const [two, gone] = await stream.untilEvents(2);
      expect(stream.blocks[1]!.raw).toBe(`id:${cursor(1)}\n\n`);
      const common = { partition: 0, offset: 1, timestamp: TIME + 1, key: null };
      expect(JSON.parse(two!.data)).toEqual({ ...common, value: 'two\nlines' });
      expect([gone!.event, JSON.parse(gone!.data)]).toEqual([
        'delete',
        {
          ...common,
          offset: 2,
          timestamp: TIME + 2,
          key: 'gone',
          value: null,
          headers: [['etag', 'r4']],
        },
      ]);
    });

    test('the latest of a key is all that a new client of a compacted topic gets', async () => {
      const { name, produce } = topic('compacted');
      await using stream = await gateway().stream(`/${name}`);
      await produce({ key: 'b', value: 'end' });
      expect((await stream.untilEvents(2)).map(({ data }) => data)).toEqual(['2', 'end']);
    });

    test('a transaction comes once it is committed, an aborted one never', async () => {
      const { name, begin, produce } = topic('committed');
      await using stream = await gateway().stream(`/${name}`);
      await (await begin({ value: 'aborted' })).abort();
      const transaction = await begin({ value: 'committed' });
      await transaction.commit();
      await produce({ value: 'end' });
      expect((await stream.untilEvents(2)).map(({ data }) => data)).toEqual(['committed', 'end']);
    });

    test('a partition that is added is read, and named in the ids', async () => {
      const { name, addPartitions, produce, cursor } = topic('grown');
      await using stream = await gateway().stream(`/${name}`);
      await addPartitions(2);
      await produce({ value: 'in the new one', partition: 1 });
      expect((await stream.untilEvents(1)).map(({ id }) => id)).toEqual([cursor(0, 1)]);
    });

    test('what was deleted from the front is a gap', async () => {
      const { name, cursor } = topic('deleted');
      const blocks = await gateway().blocks(`/${name}`, cursor(1), 2);
      expect(blocks).toEqual([
        gapBlock('retention', name, [[0, 1, 2]], cursor(2)),
        `data:3\nid:${cursor(3)}\n\n`,
      ]);
    });

    test('a topic made anew is a gap to those who are connected', async () => {
      const { name, produce, cursor } = topic('recreated');
      await produce({ value: 'old' });
      await using stream = await gateway().stream(`/${name}`);
      await stream.untilEvents(1);
      await kafka.deleteTopic(name);
      const anew = await kafka.createTopic({ name });
      await anew.produce({ value: 'new' });
      const [, gap, record] = (await stream.untilEvents(3)).map(({ raw }) => raw);
      expect(gap).toBe(gapBlock('recreated', name, [[0, 1, 0]], anew.cursor(0)));
      expect(record).toBe(`data:new\nid:${anew.cursor(1)}\n\n`);
      expect(anew.cursor(1)).not.toBe(cursor(1));
    });

    test('a policy that becomes compact is told by /-/topics', async () => {
      const { name, configure } = topic('changed');
      await configure({ 'cleanup.policy': 'compact' });
      await eventually('the new policy', async () => {
        const response = await fetch(`${gateway().http}/-/topics`);
        const { topics: told } = (await response.json()) as { topics: { name: string }[] };
        const described = told.find((one) => one.name === name);
        return described !== undefined && 'compacted' in described && described.compacted === true;
      });
    });

    test('several topics in one stream, and a view of what is big, go on from their ids after a kill: nothing lost, nothing twice', async () => {
      const [plain, compacted, grown] = [topic('plain'), topic('compacted'), topic('grown')];
      const sized = topic('sized');
      const path = `/${[grown, plain, compacted].map(({ name }) => name).join()}?format=json`;
      const bigPath = `/${sized.name}?format=json&where=${encodeURIComponent('value.size > 10')}`;
      const come = (events: readonly Block[]): string[] =>
        events
          .map(({ event, data }) => {
            const { topic: of, value } = JSON.parse(data) as { topic?: string; value?: string };
            return of === undefined ? event : `${names.get(of)} ${value}`;
          })
          .toSorted();
      const shown = (events: readonly Block[]): string[] =>
        events.map(({ event, data }) => `${event} ${JSON.parse(data).key ?? ''}`.trim());
      const size = (key: string, n: number) => ({ key, value: `{"size":${n}}` });
      const names = new Map([...topics].map(([kind, { name }]) => [name, kind]));
      let id: string;
      let bigId: string;
      await sized.produce(size('goes', 50), size('stays', 50), size('small', 1));
      {
        await using stream = await gateway().stream(path);
        await using big = await gateway().stream(bigPath);
        const there = await stream.untilEvents(8);
        expect(come(there)).toEqual(
          ['compacted 2', 'compacted end', 'grown in the new one', 'live']
            .concat(['plain null', 'plain one', 'plain two\nlines', 'plain undefined'])
            .toSorted(),
        );
        await plain.produce({ value: 'before' });
        id = (await stream.untilEvents(9)).at(-1)!.id;
        await big.untilEvents(3);
        await sized.produce(size('goes', 5));
        await big.untilEvents(4);
        await sized.produce(size('goes', 60));
        const seen = await big.untilEvents(5);
        expect(shown(seen)).toEqual([
          'message goes',
          'message stays',
          'live',
          'leave goes',
          'message goes',
        ]);
        bigId = seen.at(-1)!.id;
        gateway().kill('SIGKILL');
        await gateway().ended();
      }
      await plain.produce({ value: 'meanwhile' });
      await compacted.produce({ key: 'a', value: '3' });
      await sized.produce(size('goes', 1), size('stays', 51));
      await gateway().start();
      await gateway().untilReady();
      await using stream = await gateway().stream(path, { headers: { 'last-event-id': id } });
      await using big = await gateway().stream(bigPath, { headers: { 'last-event-id': bigId } });
      await stream.untilEvents(3);
      await grown.produce({ value: 'live again', partition: 1 });
      const events = await stream.untilEvents(4);
      expect(come(events)).toEqual(
        ['compacted 3', 'grown live again', 'live', 'plain meanwhile'].toSorted(),
      );
      await big.untilEvents(3);
      await sized.produce(size('small', 11), { key: 'stays', value: null });
      expect(shown(await big.untilEvents(5))).toEqual([
        'leave goes',
        'message stays',
        'live',
        'message small',
        'delete stays',
      ]);
    });
  });
});
