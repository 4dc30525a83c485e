import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { base64url, cursorText } from '../support/wire_format.ts';
import { CompactedAccount } from './compacted_account.ts';
import type { Format } from './delivery.ts';
import { hashOf, type Produced, ProducedTopic } from './produced.ts';
import { Tally } from './tally.ts';

let topic: ProducedTopic;
let tally: Tally;

beforeEach(() => {
  topic = new ProducedTopic('compacted', true, 2);
  tally = new Tally();
});

function accountOf(format: Format): CompactedAccount {
  return new CompactedAccount(topic, format, tally);
}

function produced(partition: number, offset: number, key: string, isTombstone = false): Produced {
  const serial = topic.nextSerial();
  const hash = isTombstone ? null : hashOf(`#${serial}#`);
  const record = topic.acknowledged({ serial, partition, offset, key, hash });
  topic.commit([record]);
  return record;
}

/** As the gateway shows it; ids of clients that stand at the beginning of the other partition. */
function get(account: CompactedAccount, format: Format, record: Produced): void {
  const { serial, partition, offset, key, hash } = record;
  const event = hash === null ? 'delete' : 'message';
  const value = hash === null ? null : `#${serial}#`;
  const id = cursorText('00000000', partition === 0 ? [offset + 1, 0] : [0, offset + 1]);
  const text = value ?? base64url(Buffer.from(key!));
  const data = format === 'text' ? text : JSON.stringify({ partition, offset, key, value });
  account.take({ event, data, id: format === 'text' ? id : '' });
}

describe.each<Format>(['text', 'json'])('CompactedAccount in %s', (format) => {
  test('is content with the last record of each key, of each partition by itself', () => {
    const account = accountOf(format);
    produced(0, 0, 'k1');
    const records = [produced(0, 1, 'k1'), produced(1, 0, 'k1'), produced(1, 1, 'd1-2', true)];
    for (const record of records) get(account, format, record);
    expect(account.isComplete).toBe(true);
    account.finish();
    expect(tally).toMatchObject({ delivered: 3, isClean: true });
  });

  test('tells of keys of which the last record did not come, a delete too', () => {
    const account = accountOf(format);
    get(account, format, produced(0, 0, 'k1'));
    get(account, format, produced(1, 0, 'd1-2'));
    produced(0, 1, 'k1');
    produced(1, 1, 'd1-2', true);
    expect(account.isComplete).toBe(false);
    account.finish();
    expect(tally).toMatchObject({ lost: 1, dead: 1 });
  });

  test('tells of a record that comes twice, and of one behind a later one of its key', () => {
    const account = accountOf(format);
    const [first, second] = [produced(1, 0, 'd1-1', true), produced(1, 1, 'd1-1', true)];
    for (const record of [second, second, first]) get(account, format, record);
    expect(tally).toMatchObject({ doubled: 1, outOfOrder: 1 });
  });

  test('waits for a delete that Kafka has not acknowledged yet', () => {
    const account = accountOf(format);
    const first = produced(1, 0, 'd1-1', true);
    get(account, format, first);
    const second: Produced = { ...first, serial: 1, offset: 1 };
    get(account, format, second);
    expect(tally.delivered).toBe(1);
    produced(1, 1, 'd1-1', true);
    account.settle();
    expect(tally).toMatchObject({ delivered: 2, isClean: true });
  });

  describe('after a gap that says that deletes may be missing', () => {
    const gapFrom = (from: number): void => {
      const partitions = [{ partition: 1, from, to: 0 }];
      const data = JSON.stringify({ reason: 'deletes', topic: 'compacted', partitions });
      account.take({ event: 'gap', data, id: '' });
    };
    let account: CompactedAccount;
    beforeEach(() => {
      jest.useFakeTimers();
      account = accountOf(format);
      for (const key of ['d1-1', 'd1-2']) get(account, format, produced(1, topic.count, key));
      produced(1, 2, 'd1-1', true);
    });
    afterEach(() => {
      jest.useRealTimers();
    });

    test('takes what came before for gone where it does not come again', () => {
      jest.advanceTimersByTime(15_001);
      gapFrom(2);
      expect(account.isComplete).toBe(false);
      get(account, format, topic.find(1)!);
      expect(account.isComplete).toBe(true);
      account.finish();
      expect(tally).toMatchObject({ explainedGaps: 1, isClean: true });
    });

    test('tells of one that nothing explains, and of a key that is deleted and comes', () => {
      gapFrom(2);
      for (const serial of [0, 1]) get(account, format, topic.find(serial)!);
      account.finish();
      expect(tally).toMatchObject({ unexplainedGaps: 1, dead: 1, lost: 0, doubled: 0 });
    });
  });

  describe('of a client with a filter', () => {
    let account: CompactedAccount;
    beforeEach(() => {
      const wants = ({ serial }: Produced): boolean => serial % 2 === 0;
      account = new CompactedAccount(topic, format, tally, { query: [], wants });
    });
    const leave = ({ partition, offset, key }: Produced): void => {
      const id = cursorText('00000000', partition === 0 ? [offset + 1, 0] : [0, offset + 1]);
      const text = base64url(Buffer.from(key!));
      const data = format === 'text' ? text : JSON.stringify({ partition, offset, key });
      account.take({ event: 'leave', data, id });
    };

    test('is content with the keys of its view, and where it is told that one has left', () => {
      const first = produced(1, 0, 'd1-1');
      const second = produced(1, 1, 'd1-1');
      produced(1, 2, 'd1-2', true);
      produced(1, 3, 'd1-3');
      get(account, format, first);
      leave(second);
      account.finish();
      expect(tally).toMatchObject({ delivered: 2, isClean: true });
    });

    test('tells of a key that it still has, and of one that it is told has left and has not', () => {
      const [first, other] = [produced(1, 0, 'd1-1'), produced(1, 1, 'd1-2')];
      get(account, format, first);
      produced(1, 2, 'd1-3');
      produced(1, 3, 'd1-1');
      leave(topic.find(2)!);
      expect(other.serial).toBe(1);
      account.finish();
      expect(tally).toMatchObject({ wrong: 1, dead: 1, lost: 0 });
    });
  });

  test('tells of any other gap', () => {
    const partitions = [{ partition: 0, from: 0, to: 1 }];
    const data = JSON.stringify({ reason: 'retention', topic: 'compacted', partitions });
    accountOf(format).take({ event: 'gap', data, id: '' });
    expect(tally.unexplainedGaps).toBe(1);
  });
});
