import { describe, expect, test } from '@jest/globals';
import { filterOf, parseFilterQuery } from './filter_query.ts';

const parse = (query: string) => parseFilterQuery(new URLSearchParams(query), 'orders');
/** What the filter of a query is named, and as what it counts. */
function told(query: string): [name: unknown, pool: string | null] {
  const asked = parse(query);
  if (asked === null || typeof asked === 'string') throw new Error(`no filter: ${asked}`);
  const { filter, limit } = filterOf(asked, null, '/');
  return [JSON.parse(filter!.name)[0], limit?.pool ?? null];
}

describe('parseFilterQuery()', () => {
  test.each([
    ['', null],
    ['format=json&header.a=&keyBase64=&headers.a=b&Key=a', null],
  ])('parseFilterQuery() finds none in %j', (query, expected) => {
    expect(parse(query)).toBe(expected);
  });

  test.each([
    ['key=b&key=a', [['key', ['a', 'b']]], null],
    ['key=', [['key', ['']]], null],
    ['key=a+b%2B%C3%A4', [['key', ['a b+\u00c3\u00a4']]], null],
    ['keyBase64=AP8%3D&keyBase64=-_8', [['key', ['\u0000\u00ff', '\u00fb\u00ff']]], null],
    ['keyBase64=YQ==&key=a', [['key', ['a']]], null],
    ['header.a.b=1&header.a.b=2', [['header:a.b', ['1', '2']]], 'equalities'],
    [
      'header.=1&key=a',
      [
        ['header:', ['1']],
        ['key', ['a']],
      ],
      'equalities',
    ],
    ['where=value.a.b=="x"', [['value:a\0b', ['"x']]], 'equalities'],
    ['where=value.a in [2, "x", null]', [['value:a', ['"x', '#2', 'null']]], 'equalities'],
    ['where=value.a > 1', [], 'others'],
    ['key=a&where=key == "a"', [['key', ['a']]], null],
  ])('parseFilterQuery() reads %j', (query, name, pool) => {
    expect(told(query)).toEqual([name, pool]);
  });

  test.each([
    ['keyBase64=a*b', 'keyBase64: no base64 at character 2'],
    ['keyBase64=YWJjZ', 'keyBase64: no base64: it ends within a byte, at character 5'],
    ['keyBase64====', 'keyBase64: no base64 at character 1'],
    [`x=1${'&key=a'.repeat(1001)}`, 'a filter takes at most 1000 values'],
  ])('parseFilterQuery() refuses %.40s', (query, words) => {
    expect(parse(query)).toBe(words);
  });
});
