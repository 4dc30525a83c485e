import { describe, expect, test } from '@jest/globals';
import { Random } from '../model/random.ts';
import { anyFilter } from './filter.ts';
import { hashOf, type Produced, ProducedTopic } from './produced.ts';

describe('anyFilter()', () => {
  test('lets each kind of record through at times, and keeps it back at times', () => {
    const random = new Random(1);
    const topic = new ProducedTopic('plain', false, 2);
    const records: Produced[] = [null, 'k1', 'k99'].map((key, serial) => {
      const place = { partition: serial % 2, offset: 500 * serial };
      return topic.acknowledged({ serial, ...place, key, hash: hashOf('') });
    });
    const filters = Array.from({ length: 500 }, () => anyFilter(random, topic, 'text'));
    for (const record of records) {
      const answers = new Set(filters.map(({ wants }) => wants(record)));
      expect([record.key, [...answers].sort()]).toEqual([record.key, [false, true]]);
    }
  });

  test('asks in text of a compacted topic for its keys alone, in json for all', () => {
    const random = new Random(1);
    const topic = new ProducedTopic('compacted', true, 2);
    const [text, json] = (['text', 'json'] as const).map((format) => {
      const queries = Array.from({ length: 200 }, () => anyFilter(random, topic, format).query);
      return queries.filter((query) => /header|offset/.test(query.join()));
    });
    expect(text).toEqual([]);
    expect(json).not.toEqual([]);
  });
});
