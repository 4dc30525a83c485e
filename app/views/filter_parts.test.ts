import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { runsOf } from '../../test/support/fuzz.ts';
import { parseExpression, parseTemplate } from '../expressions/expression.ts';
import { ANY } from '../expressions/kinds.ts';
import type { KafkaRecord } from '../ports/source.ts';
import type { ReadValue } from '../ports/values.ts';
import { Filter, type Outcome } from './filter.ts';
import { filterParts, RECORD_NAMES, shapeParts } from './filter_parts.ts';
import { RecordFacts } from './record_facts.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function record(value: Uint8Array | null): KafkaRecord {
  return { partition: 0, offset: 0, timestamp: 0, key: null, value, headers: [] };
}

function filterOf(text: string): Filter {
  const parts = filterParts(parseTemplate(text, RECORD_NAMES, new Set()).given({}));
  return new Filter(parts.equalities, parts.conditions);
}

const factsOf = (json: string | null): RecordFacts =>
  new RecordFacts(record(json === null ? null : bytes(json)), null);
const outcome = (text: string, json: string | null): Outcome =>
  filterOf(text).outcome(factsOf(json));

describe('filterParts()', () => {
  const number = fc.constantFrom('1', '1.0', '-0', '0', '9007199254740991', '1e3', '1.5');
  const text = fc.constantFrom('""', '"1"', '"true"', '"null"', '"a"', '"ä"', '"\\u0000"');
  const constant = fc.oneof(number, text, fc.constantFrom('true', 'false', 'null'));
  const path = fc.constantFrom(
    'value',
    'value.a',
    'value.a.b',
    'value["a"]["b"]',
    'value.__proto__',
  );
  const equality = fc.oneof(
    fc.tuple(path, constant).map(([one, value]) => `${one} == ${value}`),
    fc.tuple(path, constant).map(([one, value]) => `${value} == ${one}`),
    fc.tuple(path, fc.array(constant, { maxLength: 3 })).map(([one, all]) => `${one} in [${all}]`),
  );
  const large = fc.constantFrom('9007199254740993', '1e300', '-9007199254740992');
  const leaf = fc.oneof(constant, large, fc.constantFrom('[]', '{}', '[1]', '{"b":{}}'));
  const json = fc.oneof(
    fc.constantFrom(null, '', 'no JSON', '\ufeff1', '{"__proto__":1}'),
    leaf,
    leaf.map((one) => `{"a":${one}}`),
    leaf.map((one) => `{"a":{"b":${one}},"b":1}`),
  );

  test('filterParts() makes equalities of values that come to what the expression comes to', () => {
    fc.assert(
      fc.property(equality, json, (one, value) => {
        const filter = filterOf(one);
        expect([one, filter.equalities.length]).toEqual([one, 1]);
        const { evaluate } = parseExpression(one, RECORD_NAMES);
        const expected = { true: 'match', false: 'skip', error: 'error' }[
          String(evaluate(factsOf(value).scope)) as 'true' | 'false' | 'error'
        ];
        expect([one, value, filter.outcome(factsOf(value))]).toEqual([one, value, expected]);
      }),
      { numRuns: runsOf(2000) },
    );
  });

  test('filterParts() gives filters that differ in constants alone one shape', () => {
    const shape = (text: string): string => filterOf(text).shape;
    expect(shape('value.a == "x"')).toBe(shape('value.a in [1, true] '));
    expect(shape('value.a == "x" && key == "k"')).toBe(shape('"l" == key && value["a"] == null'));
    expect(shape('value.a == "x"')).not.toBe(shape('value.b == "x"'));
    expect(shape('value.a == "x"')).not.toBe(shape('value.a.b == "x"'));
    expect(shape('value.a == "x"')).not.toBe(shape('value.a != "x"'));
    // What cannot be told apart as a name is looked through.
    expect(filterOf('value["a\\u0000b"] == 1').equalities).toEqual([]);
    expect(outcome('value["a\\u0000b"] == 1', '{"a\\u0000b":1}')).toBe('match');
  });

  test.each([
    ['value == null', null, 'match'],
    ['value.a == 1', null, 'error'],
    ['has(value.a)', '{"a":9007199254740993}', 'match'],
    ['value.a > 1', '{"a":9007199254740993}', 'error'],
    ['value.a != 9007199254740991', '{"a":9007199254740993}', 'error'],
    ['has(value.toString)', '{}', 'skip'],
    ['value.constructor == "a"', '{}', 'error'],
    ['size(value) == 2', '[1,2]', 'match'],
    ['value[1].a == "x"', '[0,{"a":"x"}]', 'match'],
    ['value.a == "x" && value.b > 2', '{"a":"y"}', 'skip'],
    ['value.b > 2 && value.a == "x"', '{"a":"y"}', 'skip'],
    ['value.b > 2 || value.a == "x"', '{"a":"x"}', 'match'],
    ['value.b > 2 && value.a == "x"', '{"a":"x"}', 'error'],
    ['value.a + "-" + value.b == "x-y"', '{"a":"x","b":"y"}', 'match'],
  ])('%s of %s is %s', (text, json, expected) => {
    expect(outcome(text, json)).toBe(expected);
  });

  test('filterParts() asks for nothing in what is no UTF-8, or above 1 MB', () => {
    const filter = filterOf('value != 1');
    const of = (value: Uint8Array): Outcome => filter.outcome(new RecordFacts(record(value), null));
    expect(of(Uint8Array.of(0x22, 0xff, 0x22))).toBe('error');
    expect(of(bytes(`2${' '.repeat(2 ** 20 - 1)}`))).toBe('match');
    expect(of(bytes(`2${' '.repeat(2 ** 20)}`))).toBe('error');
  });
});

describe('RecordFacts', () => {
  test('RecordFacts.value is read once for all who ask, and not at all where nobody does', () => {
    let reads = 0;
    const read = (): ReadValue => {
      reads++;
      return { json: bytes('{"a":1,"b":"x"}'), schema: 1, error: null };
    };
    const facts = new RecordFacts(record(Uint8Array.of(0)), { isBinary: true, read });
    expect(filterOf('partition == 0 && key == null').outcome(facts)).toBe('match');
    expect(reads).toBe(0);
    for (const text of ['value.a == 1', 'value.a > 0', 'value.b == "x" && size(value) == 2']) {
      expect(filterOf(text).outcome(facts)).toBe('match');
    }
    expect(reads).toBe(1);
  });
});

describe('shapeParts()', () => {
  const names = new Map([
    ...RECORD_NAMES,
    ...(['claims', 'topic'] as const).map((name) => [name, ANY] as const),
  ]);
  const given = new Set(['claims', 'topic']);
  const shapesOf = (text: string, claims: Record<string, unknown>) => {
    const template = parseTemplate(text, names, given);
    const parts = shapeParts(template.given({ topic: 't' }), new Set(['claims']));
    const own = filterParts(template.given({ topic: 't', claims }));
    return [
      parts && new Filter(parts.equalities, parts.conditions).shape,
      new Filter(own.equalities, own.conditions).shape,
    ];
  };

  test.each([
    'value.owner == claims.sub',
    'claims.sub == headers.owner && value.size > 2',
    'value.team in claims.teams && key != null && headers.kind == "a"',
    'value.a == claims.sub && value.b in ["x"] && topic == "t"',
    'key == null && value.owner == claims.sub',
  ])('shapeParts() of %s have the shape that each client has', (text) => {
    const [ofAll, ofOne] = shapesOf(text, { sub: 'alice', teams: ['a', 'b'] });
    expect(ofAll).toBe(ofOne);
  });

  test.each(['value.size > claims.least', 'claims.admin || value.a == 1'])(
    'shapeParts() of %s are null where clients differ in more than constants',
    (text) => {
      const [ofAll, ofOne] = shapesOf(text, { least: 1, admin: false });
      expect(ofAll).toBeNull();
      expect(ofOne).not.toBeNull();
    },
  );
});
