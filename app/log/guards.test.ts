import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { KafkaRecord } from '../ports/source.ts';
import { constantOf, Filter } from '../views/filter.ts';
import { RecordFacts } from '../views/record_facts.ts';
import { Guards, KEPT_MS, MARGIN_MS } from './guards.ts';
import { KeyIndex } from './key_index.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const guardOf = (...owners: string[]): Filter =>
  new Filter([{ field: 'header:owner', values: owners.map(constantOf) }], []);
/** Without constants: it looks at each record. */
const IS_LARGE = new Filter(
  [],
  [
    {
      name: 'large',
      looksAt: new Set(['value']),
      outcome: ({ record }) => ((record.value?.length ?? 0) > 3 ? 'match' : 'skip'),
    },
  ],
);

/** A topic of which nothing is in memory but what is at hand. */
class Topic {
  readonly keys = new KeyIndex();
  readonly guards: Guards;
  #next = 0;
  readonly #latest = new Map<string, KafkaRecord>();

  constructor(maxChanges?: number) {
    this.guards = new Guards(this.keys, null, maxChanges);
  }

  /** @returns its place */
  write(key: string, owner: string, value = ''): number {
    const seq = this.#next++;
    const record = {
      partition: 0,
      offset: seq,
      timestamp: 0,
      key: bytes(key),
      value: bytes(value),
      headers: [['owner', bytes(owner)]] as const,
    };
    const before = this.keys.put(0, record.key, seq, seq);
    const known = this.#latest.get(key);
    const superseded = known === undefined ? null : new RecordFacts(known, null);
    if (before !== null) this.guards.supersede(seq, new RecordFacts(record, null), superseded);
    this.#latest.set(key, record);
    return seq;
  }

  /** The newest record of a key. */
  record(key: string): KafkaRecord {
    return this.#latest.get(key)!;
  }

  /** It leaves memory. */
  evict(key: string): KafkaRecord {
    const record = this.record(key);
    this.guards.hasEvicted = true;
    this.guards.evict(record);
    this.#latest.delete(key);
    return record;
  }
}

let now = 1_700_000_000_000;
beforeEach(() => void jest.spyOn(Date, 'now').mockImplementation(() => now));
afterEach(() => void jest.restoreAllMocks());

function loaded(maxChanges?: number): Topic {
  const topic = new Topic(maxChanges);
  topic.guards.keep([guardOf()]);
  topic.guards.isLoaded();
  return topic;
}

describe('Guards', () => {
  test('Guards.took() of a key that went out of those constants since a place, of nothing else', () => {
    const topic = loaded();
    topic.write('k', 'alice');
    topic.write('other', 'bob');
    const left = topic.write('k', 'bob');
    const [alice, bob, both] = ['alice', 'bob', 'alice bob'].map((names) =>
      topic.guards.use(guardOf(...names.split(' '))),
    );
    const k = topic.record('k');
    expect(topic.guards.took(alice!, k, left)).toBe(true);
    expect(topic.guards.took(both!, k, 0)).toBe(true);
    expect(topic.guards.took(alice!, k, left + 1)).toBe(false);
    expect(topic.guards.took(bob!, k, 0)).toBe(false);
    expect(topic.guards.took(alice!, topic.record('other'), 0)).toBe(false);
    topic.write('k', 'carol');
    expect(topic.guards.took(alice!, k, 0)).toBe(true);
    expect(topic.guards.took(bob!, k, 0)).toBe(true);
  });

  test('Guards.took() of a key whose records had left memory, as the marks say', () => {
    const topic = loaded();
    topic.write('k', 'alice');
    topic.write('none', 'nobody');
    topic.evict('k');
    topic.evict('none');
    topic.write('k', 'bob');
    topic.write('none', 'bob');
    const alice = topic.guards.use(guardOf('alice'));
    expect(topic.guards.took(alice, topic.record('k'), 0)).toBe(true);
    expect(topic.guards.took(alice, topic.record('none'), 0)).toBe(false);
    expect(topic.guards.lacks(alice, 0, true)).toBe(false);
  });

  test('Guards forgets a mark that is of a record before, while it is being loaded', () => {
    const topic = new Topic();
    topic.guards.keep([guardOf()]);
    topic.write('k', 'alice');
    topic.evict('k');
    topic.write('k', 'bob');
    topic.guards.isLoaded();
    topic.write('k', 'carol');
    const took = (owner: string): boolean =>
      topic.guards.took(topic.guards.use(guardOf(owner)), topic.record('k'), 0);
    expect([took('alice'), took('bob')]).toEqual([false, true]);
  });

  test('Guards.knowsSince() 10 s after all was loaded, and after what has given way of its constants', () => {
    const topic = loaded(2);
    const knows = (owner: string, at: number): boolean =>
      topic.guards.knowsSince(guardOf(owner), at / 1000);
    expect([knows('alice', now + MARGIN_MS - 1), knows('alice', now + MARGIN_MS)]).toEqual([
      false,
      true,
    ]);
    expect(topic.guards.knowsSince(IS_LARGE, now)).toBe(false);
    const alice = topic.guards.use(guardOf('alice'));
    now += 60_000;
    topic.write('k', 'alice');
    const left = topic.write('k', 'bob');
    const at = now;
    now += 60_000;
    topic.write('k', 'carol');
    expect(knows('alice', at)).toBe(true);
    topic.write('k', 'dave');
    expect(knows('alice', at + MARGIN_MS - 1000)).toBe(false);
    expect(knows('alice', at + MARGIN_MS)).toBe(true);
    expect(knows('erin', at)).toBe(true);
    expect(topic.guards.took(alice, topic.record('k'), 0)).toBe(false);
    expect(topic.guards.lacks(alice, left, false)).toBe(true);
    expect(topic.guards.lacks(alice, left + 1, false)).toBe(false);
  });

  test('Guards of a shape that comes late know what is in memory, and learn what was read back', () => {
    const topic = new Topic();
    topic.guards.isLoaded();
    for (const key of ['memory', 'read', 'lost']) topic.write(key, 'alice');
    const read = topic.evict('read');
    topic.evict('lost');
    topic.guards.keep([guardOf()]);
    const alice = topic.guards.use(guardOf('alice'));
    const knows = (): boolean => topic.guards.knowsSince(guardOf('alice'), now / 1000 + 60);
    expect([knows(), topic.guards.lacksMarks]).toEqual([false, true]);
    topic.guards.learn({ ...read, offset: read.offset - 1, headers: [] });
    topic.guards.learn(read);
    topic.write('memory', 'bob');
    topic.write('read', 'bob');
    expect(topic.guards.lacks(alice, 0, true)).toBe(false);
    expect(topic.guards.took(alice, topic.record('memory'), 0)).toBe(true);
    expect(topic.guards.took(alice, topic.record('read'), 0)).toBe(true);
    const learned = topic.guards.learns();
    const seq = topic.write('lost', 'bob');
    expect(topic.guards.lacks(alice, seq, true)).toBe(true);
    // Who has all of it from here does not have what was never read.
    expect(topic.guards.lacks(alice, seq, false)).toBe(false);
    learned();
    expect([knows(), topic.guards.lacksMarks]).toEqual([true, false]);
  });

  test('Guards forget what the streams file has not, a while after nobody has it', () => {
    const topic = loaded();
    topic.write('k', 'alice', 'large');
    const uses = [topic.guards.use(IS_LARGE), topic.guards.use(IS_LARGE)];
    expect(uses[0]).toBe(uses[1]);
    const since = now;
    const knows = (): boolean => topic.guards.knowsSince(IS_LARGE, since / 1000 + 60);
    for (const use of uses) topic.guards.letGo(use);
    now += KEPT_MS - 1;
    topic.guards.letGo(topic.guards.use(guardOf('alice')));
    expect(knows()).toBe(true);
    now += 1;
    topic.guards.use(guardOf('alice'));
    expect(knows()).toBe(false);
    topic.guards.keep([]);
    expect(topic.guards.isEmpty).toBe(false);
  });

  test('Guards of conditions alone have one mark for all that they let through', () => {
    const topic = loaded();
    const use = topic.guards.use(IS_LARGE);
    topic.write('k', 'alice', 'large');
    topic.write('k', 'bob', 'larger');
    expect(topic.guards.took(use, topic.record('k'), 0)).toBe(false);
    topic.write('k', 'bob', '-');
    expect(topic.guards.took(use, topic.record('k'), 0)).toBe(true);
  });
});
