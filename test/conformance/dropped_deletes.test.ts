import { describe, expect, test } from '@jest/globals';
import { CLEANED_AT_ONCE, untilCleaned } from '../support/cleaner.ts';
import { Gateway } from '../support/gateway.ts';
import { HostedGateway } from '../support/hosted_gateway.ts';
import { kafka, type Topic } from '../support/kafka.ts';
import { onRuntimesOfTier } from '../support/runtime.ts';
import type { Block, SseStream } from '../support/sse_stream.ts';

/** A topic with two rows. */
async function twoRows(retentionMs: number): Promise<Topic> {
  const topic = await kafka.createTopic({
    configs: { ...CLEANED_AT_ONCE, 'delete.retention.ms': `${retentionMs}` },
  });
  await topic.produce({ key: 'a', value: '1' }, { key: 'b', value: '2' });
  return topic;
}

/** Writes a record of which the key has no other use. */
function rollOf(topic: Topic): () => Promise<void> {
  return () => topic.produce({ key: 'roll', value: 'roll' });
}

/** What a client has that keeps a table of keys by what it is told, and the gaps that it was told. */
class Table {
  readonly gaps: string[] = [];
  readonly #rows = new Map<string, string>();
  #unconfirmed = new Set<string>();
  #taken = 0;
  #last: Block | undefined;

  /** The id to come back with. */
  get id(): string {
    return `${this.#last!.id}/~${this.#last!.time!.toString(36)}`;
  }

  async untilLive(stream: SseStream, lives = 1): Promise<void> {
    const isLive = ({ event }: Block): boolean => event === 'live';
    await stream.until(`live ${lives}`, () => stream.events.filter(isLive).length >= lives);
    for (; this.#taken < stream.events.length; this.#taken++)
      this.#take(stream.events[this.#taken]!);
  }

  /** What comes next is of another stream. */
  comesBack(): void {
    this.#taken = 0;
  }

  get rows(): [string, string][] {
    return [...this.#rows].filter(([key]) => key !== 'roll').sort();
  }

  #take(block: Block): void {
    const { event, data } = block;
    this.#last = block;
    if (event === 'gap') {
      this.gaps.push(JSON.parse(data).reason);
      this.#unconfirmed = new Set(this.#rows.keys());
    } else if (event === 'live') {
      for (const key of this.#unconfirmed) this.#rows.delete(key);
      this.#unconfirmed.clear();
    } else if (event === 'message' || event === 'delete') {
      const { key, value } = JSON.parse(data);
      this.#unconfirmed.delete(key);
      if (value === null) this.#rows.delete(key);
      else this.#rows.set(key, value);
    }
  }
}

onRuntimesOfTier((runtime) => {
  describe('deletes that the broker has dropped', () => {
    test.each([
      ['for longer than delete.retention.ms starts over', 4000, [0, 2], ['deletes']],
      ['for less than half of it goes on', 60_000, [0], []],
    ])('are no rows of a client: one that was away %s', async (_, retentionMs, cleaned, gaps) => {
      const topic = await twoRows(retentionMs);
      await using gateway = await HostedGateway.startReady(runtime, { topics: [topic.name] });
      const path = `/${topic.name}?format=json`;
      const table = new Table();
      {
        await using stream = await gateway.stream(path);
        await table.untilLive(stream);
        expect(table.rows).toEqual([
          ['a', '1'],
          ['b', '2'],
        ]);
      }
      await topic.produce({ key: 'a' });
      await untilCleaned(topic, cleaned, rollOf(topic));
      await using stream = await gateway.stream(path, { headers: { 'last-event-id': table.id } });
      table.comesBack();
      await table.untilLive(stream);
      expect([table.gaps, table.rows]).toEqual([gaps, [['b', '2']]]);
    });

    test('while a gateway read nothing are no rows, neither of its clients nor of who comes to it', async () => {
      const topic = await twoRows(4000);
      await using gateway = await Gateway.startReady(runtime, { topics: [topic.name] });
      const path = `/${topic.name}?format=json`;
      await using stream = await gateway.stream(path);
      const table = new Table();
      await table.untilLive(stream);
      gateway.kill('SIGSTOP');
      // It has asked for what comes next: that waits for it, and what comes after that does not.
      await rollOf(topic)();
      await topic.produce({ key: 'a' });
      await untilCleaned(topic, [0, 3], rollOf(topic));
      gateway.kill('SIGCONT');
      await table.untilLive(stream, 2);
      expect([table.gaps, table.rows]).toEqual([['deletes'], [['b', '2']]]);
      const other = new Table();
      await using late = await gateway.stream(path);
      await other.untilLive(late);
      expect([other.gaps, other.rows]).toEqual([[], [['b', '2']]]);
    });
  });
});
