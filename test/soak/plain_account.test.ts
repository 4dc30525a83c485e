import { beforeEach, describe, expect, test } from '@jest/globals';
import { cursorText } from '../support/wire_format.ts';
import { PlainAccount } from './plain_account.ts';
import { hashOf, type Produced, ProducedTopic } from './produced.ts';
import { Tally } from './tally.ts';

let topic: ProducedTopic;
let tally: Tally;
let account: PlainAccount;

beforeEach(() => {
  topic = new ProducedTopic('plain', false, 2);
  tally = new Tally();
  account = new PlainAccount(topic, 'text', tally);
});

function acknowledged(partition: number, offset: number): Produced {
  const serial = topic.nextSerial();
  return topic.acknowledged({ serial, partition, offset, key: null, hash: hashOf(text(serial)) });
}

/** Records of a partition from an offset on. */
function committed(partition: number, from: number, count: number): Produced[] {
  const records = Array.from({ length: count }, (_, at) => acknowledged(partition, from + at));
  topic.commit(records);
  return records;
}

function text(serial: number): string {
  return `#${serial}# value`;
}

function get(...records: readonly Produced[]): void {
  for (const { serial } of records) account.take({ event: 'message', data: text(serial), id: '' });
}

function gap(reason: string, ...parts: [partition: number, from: number, to: number][]): void {
  const partitions = parts.map(([partition, from, to]) => ({ partition, from, to }));
  const data = JSON.stringify({ reason, topic: 'plain', partitions });
  account.take({ event: 'gap', data, id: cursorText('00000000', []) });
}

describe('PlainAccount', () => {
  test('is content with all records once, in the order of each partition', () => {
    const [a, b] = [committed(0, 0, 3), committed(1, 0, 2)];
    get(b[0]!, a[0]!, a[1]!, b[1]!, a[2]!);
    expect(account.isComplete).toBe(true);
    account.finish();
    expect(tally).toMatchObject({ delivered: 5, isClean: true });
  });

  test('tells of one that was skipped', () => {
    const [first, second, third] = committed(0, 0, 3);
    get(first!, third!);
    expect(tally).toMatchObject({ lost: 1, doubled: 0, outOfOrder: 0, isClean: false });
    expect(account.notes).toEqual([`1 skipped, the first: record ${second!.serial} at 0:1`]);
  });

  test('tells of one that comes late', () => {
    const [first, second, third] = committed(0, 0, 3);
    get(first!, third!, second!);
    expect(tally).toMatchObject({ lost: 0, doubled: 0, outOfOrder: 1 });
  });

  test('tells of one that comes twice', () => {
    const [first, second] = committed(0, 0, 2);
    get(first!, second!, first!);
    expect(tally).toMatchObject({ lost: 0, doubled: 1, outOfOrder: 0 });
  });

  test('tells of those that have not come by the end', () => {
    get(committed(0, 0, 3)[0]!);
    expect(account.isComplete).toBe(false);
    account.finish();
    expect(tally.lost).toBe(2);
  });

  test('waits for what Kafka has not acknowledged yet', () => {
    const [first] = committed(0, 0, 1);
    account.take({ event: 'message', data: text(1), id: '' });
    get(first!);
    expect(account.isComplete).toBe(false);
    expect(tally.delivered).toBe(0);
    committed(1, 0, 1);
    account.settle();
    expect(tally).toMatchObject({ delivered: 2, isClean: true });
    expect(account.isComplete).toBe(true);
  });

  test('tells of what was never produced', () => {
    account.take({ event: 'message', data: '#7# value', id: '' });
    account.take({ event: 'message', data: 'value', id: '' });
    account.finish();
    expect(tally.wrong).toBe(2);
  });

  test('tells of another value', () => {
    const [record] = committed(0, 0, 1);
    account.take({ event: 'message', data: `${text(record!.serial)}!`, id: '' });
    expect(tally.wrong).toBe(1);
  });

  test('waits for the end of a transaction, and tells of a record of an aborted one', () => {
    const [kept, dropped] = [acknowledged(0, 0), acknowledged(0, 2)];
    get(kept);
    expect(tally.delivered).toBe(0);
    topic.commit([kept]);
    topic.abort([dropped.serial]);
    account.settle();
    expect(tally).toMatchObject({ delivered: 1, wrong: 0 });
    get(dropped);
    expect(tally).toMatchObject({ delivered: 1, wrong: 1 });
  });

  describe('at a gap', () => {
    test('is content where Kafka had deleted all that it names', () => {
      const records = committed(0, 0, 10);
      get(records[0]!, records[1]!);
      topic.startAt(0, 7);
      gap('retention', [0, 2, 7]);
      get(...records.slice(7));
      account.finish();
      expect(tally).toMatchObject({ explainedGaps: 1, isClean: true });
    });

    test('tells of records that Kafka still had', () => {
      const records = committed(0, 0, 10);
      get(records[0]!, records[1]!);
      topic.startAt(0, 6);
      gap('retention', [0, 2, 7]);
      expect(tally).toMatchObject({ explainedGaps: 0, unexplainedGaps: 1, lost: 1 });
    });

    test('may name offsets that hold no record', () => {
      get(...committed(0, 0, 2));
      const later = committed(0, 8, 2);
      topic.startAt(0, 5);
      gap('retention', [0, 2, 8]);
      get(...later);
      account.finish();
      expect(tally).toMatchObject({ explainedGaps: 1, isClean: true });
    });

    test('tells of records before it that were not told of', () => {
      const records = committed(0, 0, 10);
      get(records[0]!);
      topic.startAt(0, 7);
      gap('retention', [0, 3, 7]);
      expect(tally).toMatchObject({ explainedGaps: 1, lost: 2 });
    });

    test('tells of one that names what the client had', () => {
      const records = committed(0, 0, 10);
      get(...records.slice(0, 5));
      topic.startAt(0, 7);
      gap('retention', [0, 3, 7]);
      expect(tally.unexplainedGaps).toBe(1);
    });

    test('tells of a reason that cannot be, and of an unknown partition', () => {
      gap('recreated', [0, 0, 0]);
      gap('retention', [2, 0, 5]);
      expect(tally.unexplainedGaps).toBe(2);
    });
  });

  describe('of a client with a filter', () => {
    beforeEach(() => {
      const wants = ({ serial }: Produced): boolean => serial % 2 === 0;
      account = new PlainAccount(topic, 'text', tally, { query: [], wants });
    });

    test('is content with the records that it wants', () => {
      const records = committed(0, 0, 6);
      topic.startAt(0, 1);
      get(records[2]!, records[4]!);
      account.finish();
      expect(tally).toMatchObject({ delivered: 2, isClean: true });
    });

    test('tells of one that it wants and that did not come, of one within a gap, and of one that it does not want', () => {
      const records = committed(0, 0, 8);
      get(records[0]!, records[4]!, records[5]!);
      expect(tally).toMatchObject({ lost: 1, wrong: 1 });
      gap('retention', [0, 6, 8]);
      expect(tally).toMatchObject({ lost: 2, unexplainedGaps: 1 });
    });
  });

  test('misses nothing that Kafka had deleted before the client came', () => {
    const records = committed(0, 0, 4);
    committed(1, 0, 2);
    topic.startAt(0, 2);
    topic.startAt(1, 2);
    get(...records.slice(2));
    account.finish();
    expect(tally).toMatchObject({ lost: 0, isClean: true });
  });

  test('misses what was deleted without a word once the client had something', () => {
    const records = committed(0, 0, 4);
    get(records[0]!);
    topic.startAt(0, 3);
    get(records[3]!);
    expect(tally.lost).toBe(2);
  });

  test('misses records of a partition that was added', () => {
    topic.addPartitions(3);
    committed(2, 0, 1);
    account.finish();
    expect(tally.lost).toBe(1);
  });
});
