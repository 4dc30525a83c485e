import { describe, expect, test } from '@jest/globals';
import { ExpressionError, type Names, parseExpression, parseTemplate } from './expression.ts';
import { ANY, LIST, MAP, NULL, NUMBER_TYPE, TEXT, TEXT_TYPE } from './kinds.ts';

const NAMES: Names = new Map([
  ['claims', { kinds: MAP, inside: ANY }],
  ['scopes', { kinds: LIST, inside: TEXT_TYPE }],
  ['params', { kinds: MAP, names: new Map([['id', TEXT_TYPE]]) }],
  ['topic', TEXT_TYPE],
  ['offset', NUMBER_TYPE],
  ['key', { kinds: TEXT | NULL }],
  ['headers', { kinds: MAP, inside: TEXT_TYPE }],
  ['value', ANY],
]);

/** As JSON has it, so that numbers are what a parser makes of them. */
const SCOPE = JSON.parse(`{
  "claims": {
    "sub": "alice", "roles": ["admin", "support"], "age": 41, "vip": true, "none": null,
    "big": 9007199254740993, "exact": 9007199254740991, "negative": -9007199254740993,
    "huge": 1e300, "half": 0.5, "mixed": [1, "a", null], "bigs": [1, 9007199254740993],
    "org": { "id": "o1", "empty": {}, "tags": ["x"] }, "a:b": "colon", "__proto__": "own",
    "empty": "", "list": []
  },
  "scopes": ["orders:read", "orders:write"],
  "params": { "id": "alice" },
  "topic": "orders", "offset": 7, "key": "k1",
  "headers": { "type": "created", "empty": "" },
  "value": {
    "customer": "alice", "n": 5, "big": 9007199254740993, "none": null, "flag": false,
    "deep": { "a": { "b": [10, 20, { "c": "d" }] } }, "text": "häß😀", "list": [1, 2, 3],
    "low": "\uffff", "high": "😀"
  }
}`);

function outcomeOf(text: string, scope: object = {}): unknown {
  return parseExpression(text, NAMES).evaluate({ ...SCOPE, ...scope });
}

function faultOf(text: string): ExpressionError {
  try {
    parseExpression(text, NAMES);
  } catch (error) {
    if (error instanceof ExpressionError) return error;
    throw error;
  }
  throw new Error(`no fault in ${text}`);
}

const TRUE = [
  'true',
  '!false',
  'true || false',
  'true && true',
  '(true)',
  'null == null',
  '1 == 1',
  '1 == 1.0',
  '1u == 1',
  '0x10 == 16',
  '-1 < 0',
  '-1.5 == -1.5',
  '1 != 2',
  '1e3 == 1000',
  '9007199254740991 == 9007199254740991',
  '-9007199254740991 != 9007199254740991',
  '0 == -0',
  '"a" == \'a\'',
  '"""a""" == "a"',
  'r"\\n" == "\\\\n"',
  '"\\u00e4" == "ä"',
  '"a" != "A"',
  'claims.sub == "alice"',
  'claims["sub"] == "alice"',
  'claims["a:b"] == "colon"',
  'claims.__proto__ == "own"',
  'claims["__proto__"] == "own"',
  'claims.sub == params.id',
  'params["id"] == claims.sub',
  'claims.roles[0] == "admin"',
  'claims.roles[1] == "support"',
  '"admin" in claims.roles',
  '!("auditor" in claims.roles)',
  '"orders:read" in scopes',
  'scopes[1] == "orders:write"',
  'claims.vip',
  'claims.vip == true',
  'claims.age == 41',
  'claims.age >= 41',
  'claims.age <= 41',
  'claims.age > 40.5',
  'claims.age < 42',
  'claims.half == 0.5',
  'claims.exact == 9007199254740991',
  'claims.org.id == "o1"',
  'claims.org["id"] == "o1"',
  'claims.org.tags == ["x"]',
  'claims.org.tags != ["y"]',
  'claims.empty == ""',
  'claims.list == []',
  'claims.roles == ["admin", "support"]',
  'claims.roles != ["support", "admin"]',
  'has(claims.sub)',
  'has(claims.big)',
  'has(claims.huge)',
  'has(claims.none)',
  '!has(claims.missing)',
  '!has(claims.constructor)',
  '!has(claims.toString)',
  '!has(claims.hasOwnProperty)',
  'has(claims.__proto__)',
  'has(claims.org.id)',
  '!has(claims.org.missing)',
  '!has(claims.org.empty.x)',
  'has(value.none)',
  'has(value.big)',
  'value.none == null',
  'null == value.none',
  'value.customer != null',
  'value.flag != null',
  'value.n != null',
  'value.list != null',
  'value.deep != null',
  'claims.roles != null',
  'key != null',
  'value.customer == claims.sub',
  'value.n == 5',
  'value.n in [1, 5]',
  'value.n in [5.0]',
  'value.customer in ["alice", "bob"]',
  'value.deep.a.b[2].c == "d"',
  'value["deep"]["a"]["b"][0] == 10',
  'value.list == [1, 2, 3]',
  'value.list == [1, 2, 3.0]',
  'value.flag == false',
  '!value.flag',
  'value.deep.a == value.deep.a',
  'key == "k1"',
  'key in ["k0", "k1"]',
  'offset == 7',
  'topic == "orders"',
  'headers.type == "created"',
  'headers["type"] == "created"',
  'headers.empty == ""',
  'has(headers.type)',
  '!has(headers.x)',
  '"type" in headers',
  '!("x" in headers)',
  '"sub" in claims',
  '!("constructor" in claims)',
  '!("toString" in value)',
  '"__proto__" in claims',
  'topic + "s" == "orderss"',
  '"a" + "b" + "c" == "abc"',
  'claims.sub + ":" + topic == "alice:orders"',
  'topic.startsWith("ord")',
  'topic.endsWith("ers")',
  'topic.contains("der")',
  'topic.startsWith("")',
  'value.customer.startsWith(claims.sub)',
  'value.text.contains("😀")',
  'size("abc") == 3',
  'size("😀") == 1',
  'value.text.size() == 4',
  'size(scopes) == 2',
  'scopes.size() == 2',
  'size(claims.org.empty) == 0',
  'size([]) == 0',
  'size("") == 0',
  '"a" < "b"',
  '"a" < "aa"',
  '"Z" < "a"',
  '"" < "a"',
  'value.low < value.high',
  'value.high > value.low',
  '"\\uffff" < "\\U0001F600"',
  'false < true',
  'true >= true',
  // An error on one side gives way to the other.
  'claims.missing || true',
  'true || claims.missing',
  '!(claims.missing && false)',
  '!(false && claims.missing)',
  'claims.missing == 1 || claims.sub == "alice"',
  'claims.sub == "alice" || claims.missing == 1',
  'claims.big == 1 || claims.sub == "alice"',
  '(claims.missing || claims.missing) || true',
  '!((claims.missing || false) && false)',
  '1 in claims.mixed',
  '"a" in claims.mixed',
  'null in claims.mixed',
  '1 in claims.bigs',
  'claims.sub in [claims.missing, "alice"]',
  '// a comment\n true',
  'claims.sub ==\n"alice"',
  'true && true && true && true || false',
  '!!true',
];

const FALSE = [
  'false',
  '!true',
  'null != null',
  '1 == 2',
  '"1" == "2"',
  'true && false',
  'false || false',
  'null == 1',
  'null == ""',
  'null == false',
  'null == []',
  'value.n == null',
  'value.none == 1',
  'value.none == "null"',
  'value.none == claims.sub',
  'value.none == value.list',
  'null == claims.roles',
  'value.none != null',
  'key == null',
  'claims.sub == "ALICE"',
  'claims.sub == "bob"',
  'claims.sub == ""',
  'claims.roles == []',
  'claims.roles == ["admin"]',
  'value.list == [1, 2]',
  'value.list == [1, 2, 4]',
  'claims.org == value.deep',
  'claims.org.empty == claims.org',
  'false && claims.missing',
  'claims.missing && false',
  'claims.big == 1 && false',
  'claims.missing == claims.missing && false',
  '(claims.missing && true) && false',
  '"x" in scopes',
  '"x" in []',
  '1 in []',
  '"x" in claims.list',
  'null in [1, 2]',
  'value.none in ["a"]',
  'has(claims.missing)',
  'has(claims.constructor)',
  'has(value.prototype)',
  '"b" < "a"',
  '1 > 2',
  '1 < 1',
  '1 >= 2',
  'topic.startsWith("x")',
  'topic.startsWith("ordersx")',
  'topic.endsWith("x")',
  'topic.contains("x")',
  'value.high < value.low',
  'key in []',
  'value.n in [1, 2]',
  '0.1 == 0.2',
];

const ERRORS = [
  'claims.missing',
  'claims.missing == null',
  'claims.missing != null',
  'claims.missing != "x"',
  'claims.missing == claims.missing',
  'claims.constructor == null',
  'claims.constructor != "x"',
  'claims.toString != null',
  'claims.hasOwnProperty != null',
  'claims.valueOf != null',
  'claims.org.__proto__ != null',
  'claims.org["__proto__"] != null',
  'claims.roles.length == 2',
  'claims.sub.length == 5',
  'claims.sub.x == 1',
  'claims.org.id.x == 1',
  'value.none.x == 1',
  'value.missing.x == 1',
  'has(claims.sub.x)',
  'has(claims.missing.x)',
  'has(value.none.x)',
  'has(claims.roles.length)',
  // Two kinds.
  'claims.sub == 1',
  'claims.sub != 1',
  'claims.age == "41"',
  'claims.age != "41"',
  'claims.vip == 1',
  'claims.vip == "true"',
  'claims.roles == "admin"',
  'claims.org == "o1"',
  'claims.org == claims.roles',
  'claims.roles != claims.org',
  'value.n == value.customer',
  'value.flag == 0',
  'value.list == ["1", 2, 3]',
  '!(value.list == [1, 2, "3"])',
  // Numbers that may be another's.
  'claims.big == 9007199254740991',
  'claims.big == claims.big',
  'claims.big != claims.exact',
  'claims.big == value.big',
  'claims.big != 1',
  'claims.big > 1',
  'claims.big >= claims.big',
  'claims.big == null',
  'claims.big != null',
  'claims.negative < 0',
  'claims.negative == claims.negative',
  'claims.huge > 1',
  'claims.bigs == [1, 2]',
  'claims.bigs == claims.bigs',
  'claims.bigs[1] == 1',
  '2 in claims.bigs',
  '!(2 in claims.bigs)',
  'claims.big in [1]',
  'claims.sub in [claims.missing, "bob"]',
  // Neither side decides.
  'claims.missing || false',
  'false || claims.missing',
  'claims.missing && true',
  'true && claims.missing',
  'claims.missing || claims.missing',
  '!claims.missing',
  '!(claims.missing == 1)',
  'claims.sub || false',
  'false || claims.sub',
  'true && claims.age',
  'claims.sub && true',
  '!claims.sub',
  // Out of a list, or no list.
  'claims.roles[2] == "x"',
  'claims.list[0] == "x"',
  'claims.sub[0] == "a"',
  'claims.org[0] == "a"',
  'value.list["0"] == 1',
  'headers.x == ""',
  'headers.x != ""',
  '2 in claims.mixed',
  '"b" in claims.mixed',
  '!("b" in claims.mixed)',
  '1 in claims.org',
  '"a" in claims.sub',
  '"a" in value.none',
  '"a" in claims.missing',
  'claims.missing in ["a"]',
  'claims.missing in []',
  'claims.sub < 1',
  'claims.sub >= claims.age',
  'value.none < 1',
  'value.none <= value.none',
  'claims.roles < claims.roles',
  'claims.age.startsWith("4")',
  'claims.sub.startsWith(claims.age)',
  'claims.missing.contains("")',
  'value.none.endsWith("")',
  'claims.age + "1" == "411"',
  'claims.missing + "" == ""',
  'value.none + "" == ""',
  'size(claims.age) == 1',
  'size(claims.missing) == 0',
  'size(value.none) == 0',
  // Neither true nor false.
  'claims.sub',
  'claims.age',
  'claims.roles',
  'value.none',
  'value.missing',
  'value',
];

/** A text that is no expression or does not fit, the column, and a part of what is told. */
const FAULTS: [string, number, string][] = [
  ['', 1, 'Unexpected token'],
  [' ', 2, 'Unexpected token'],
  ['claims.', 8, 'Expected IDENTIFIER'],
  ['claims.sub ==', 14, 'Unexpected token'],
  ['a = b', 3, 'Unexpected character'],
  ['claims.sub == "x', 15, 'Unterminated'],
  ['claims.sub == “x”', 15, 'Unexpected character'],
  ['(true', 6, 'Expected RPAREN'],
  ['true)', 5, 'Unexpected character'],
  ['true & true', 6, 'Unexpected character'],
  ['claim.sub == "x"', 1, 'no name claim here: there are claims, scopes'],
  ['true && who', 9, 'no name who'],
  ['constructor == null', 1, 'no name constructor'],
  ['__proto__ == null', 1, 'Reserved'],
  ['params.name == "x"', 8, 'no name name here: there are id'],
  ['params["constructor"] == "x"', 1, 'no name constructor'],
  ['has(params.x)', 12, 'no name x'],
  ['topic == 1', 1, 'a text is never a number'],
  ['topic != 1', 1, 'a text is never a number'],
  ['topic == true', 1, 'is never'],
  ['key == 1', 1, 'null or a text is never a number'],
  ['offset == "7"', 1, 'is never'],
  ['params.id == 1', 1, 'is never'],
  ['scopes == "x"', 1, 'a list is never a text'],
  ['1 in scopes', 1, 'never in it'],
  ['true in ["a"]', 1, 'never in it'],
  ['1 in headers', 1, 'never in it'],
  ['"a" in topic', 8, 'a list or a map is needed here, this is a text'],
  ['topic', 1, 'true or false is needed here'],
  ['1', 1, 'true or false is needed here'],
  ['topic && true', 1, 'true or false is needed here'],
  ['true || 1', 9, 'true or false is needed here'],
  ['!topic', 2, 'true or false is needed here'],
  ['topic.x == 1', 1, 'a map is needed here'],
  ['topic[0] == "a"', 1, 'a list is needed here'],
  ['has(topic.x)', 5, 'a map is needed here'],
  ['has(claims)', 1, 'has takes one field'],
  ['has(claims["sub"])', 1, 'has takes one field'],
  ['has(claims.a, claims.b)', 1, 'has takes one field'],
  ['topic < 1', 1, 'no order of'],
  ['null < null', 1, 'no order of'],
  ['[1] < [2]', 1, 'no order of'],
  ['offset.startsWith("7")', 1, 'a text is needed here'],
  ['topic.startsWith(1)', 18, 'a text is needed here'],
  ['topic.startsWith()', 1, 'startsWith takes one text'],
  ['scopes.contains("a")', 1, 'a text is needed here'],
  ['size(offset) == 1', 6, 'a text, a list or a map is needed here'],
  ['size() == 1', 1, 'size takes one value'],
  ['topic + 1 == "a"', 9, 'a text is needed here'],
  ['1 + 1 == 2', 1, 'a text is needed here'],
  ['2 - 1 == 1', 1, '- is not taken, only literals'],
  ['2 * 1 == 2', 1, '* is not taken'],
  ['2 / 1 == 2', 1, '/ is not taken'],
  ['2 % 1 == 0', 1, '% is not taken'],
  ['-offset == -7', 1, '- is not taken'],
  ['true ? true : false', 1, '?: is not taken'],
  ['{"a": 1}.a == 1', 1, '{...} is not taken'],
  ['topic.matches("^(a+)+$")', 1, 'matches() is not taken'],
  ['matches(topic, "a")', 1, 'matches() is not taken'],
  ['scopes.exists(s, s == "a")', 1, 'exists() is not taken'],
  ['scopes.all(s, s == "a")', 1, 'all() is not taken'],
  ['scopes.map(s, s) == []', 1, 'map() is not taken'],
  ['scopes.filter(s, true) == []', 1, 'filter() is not taken'],
  ['int("1") == 1', 1, 'int() is not taken'],
  ['string(1) == "1"', 1, 'string() is not taken'],
  ['type(1) == 1', 1, 'type() is not taken'],
  ['dyn(1) == 1', 1, 'dyn() is not taken'],
  ['timestamp("2020-01-01T00:00:00Z") == 1', 1, 'timestamp() is not taken'],
  ['topic.lowerAscii() == "a"', 1, 'lowerAscii() is not taken'],
  ['claims.constructor("return 1")() == 1', 31, 'Unexpected'],
  ['b"a" == b"a"', 1, 'bytes are not taken'],
  ['9007199254740992 == 1', 1, '2^53 - 1'],
  ['-9007199254740992 == 1', 1, '2^53 - 1'],
  ['1e300 == 1.0', 1, '2^53 - 1'],
  ['18446744073709551615u == 1', 1, '2^53 - 1'],
  ['1e400 == 1.0', 1, 'Invalid number'],
  ['claims[offset] == 1', 8, 'in [ ] stands a text or a number'],
  ['claims.roles[-1] == "a"', 14, 'in [ ] stands'],
  ['claims.roles[1.5] == "a"', 14, 'whole number from 0'],
  ['claims.roles[true] == "a"', 14, 'whole number from 0'],
  ['claims.roles[null] == "a"', 14, 'whole number from 0'],
];

describe('parseExpression()', () => {
  test('parseExpression() has a table of at least 200 expressions', () => {
    expect(TRUE.length + FALSE.length + ERRORS.length).toBeGreaterThanOrEqual(200);
  });

  test.each(TRUE)('%s is true', (text) => {
    expect(outcomeOf(text)).toBe(true);
  });
  test.each(FALSE)('%s is false', (text) => {
    expect(outcomeOf(text)).toBe(false);
  });
  test.each(ERRORS)('%s cannot be worked out', (text) => {
    expect(outcomeOf(text)).toBe('error');
  });

  test.each(FAULTS)('%s is a fault in column %i', (text, column, message) => {
    expect(faultOf(text)).toMatchObject({
      line: 1,
      column,
      message: expect.stringContaining(message),
    });
  });

  test('parseExpression() tells the line of a fault', () => {
    expect(faultOf('true &&\n  topic == 1')).toMatchObject({ line: 2, column: 3, offset: 10 });
  });

  test('parseExpression() takes a key that is null for null, and for no text', () => {
    const nulls: [string, unknown][] = [
      ['key == null', true],
      ['key == "k1"', false],
      ['key != "k1"', true],
      ['key.startsWith("k")', 'error'],
      ['key in ["k1"]', false],
    ];
    for (const [text, expected] of nulls) {
      expect([text, outcomeOf(text, { key: null })]).toEqual([text, expected]);
    }
  });

  test('parseExpression() cannot work out a name that is not in the scope', () => {
    expect(parseExpression('value != null', NAMES).evaluate({})).toBe('error');
    expect(parseExpression('value != null || true', NAMES).evaluate({})).toBe(true);
  });

  test('parseExpression() takes 2,048 bytes and 100 operators, and no more', () => {
    const long = (letters: number) => `topic == "${'ä'.repeat(letters)}"`;
    expect(outcomeOf(`${long(1018)} `)).toBe(false);
    expect(faultOf(long(1019)).message).toContain('2048 bytes');
    const ors = (count: number) =>
      Array(count + 1)
        .fill('true')
        .join('||');
    expect(outcomeOf(ors(100))).toBe(true);
    expect(faultOf(ors(101)).message).toContain('at most 100 operators');
    expect(faultOf(`${'!'.repeat(101)}true`).message).toContain('at most 100 operators');
  });

  test('parseExpression() refuses what is nested deeply, and ends soon', () => {
    for (const text of [
      `${'('.repeat(1000)}true${')'.repeat(1000)}`,
      `claims${'.a'.repeat(1000)} == 1`,
      `${'['.repeat(1000)}${']'.repeat(1000)} == []`,
      '!'.repeat(2040),
    ]) {
      expect(() => parseExpression(text, NAMES)).toThrow(ExpressionError);
    }
  });

  test('parseExpression() does not join texts beyond 1 MB', () => {
    const value = 'x'.repeat(600_000);
    expect(outcomeOf('value + "" == value', { value })).toBe(true);
    expect(outcomeOf('value + value != ""', { value })).toBe('error');
  });
});

describe('parseTemplate()', () => {
  const GIVEN = new Set(['claims', 'params', 'scopes', 'topic']);
  const RECORD = { offset: 7, key: 'k1', headers: { type: 'created' } };
  const conjuncts = (text: string, scope: object = {}) =>
    parseTemplate(text, NAMES, GIVEN).given({ ...SCOPE, ...scope });
  const equalities = (text: string): unknown[] =>
    conjuncts(text).map(({ equality }) => {
      return equality === null ? null : [equality.path.join('.'), ...equality.values];
    });

  test.each([
    ['key == "a"', [['key', 'a']]],
    ['"a" == key && offset > 1', [['key', 'a'], null]],
    ['key == claims.sub', [['key', 'alice']]],
    ['key == "k" + params.id', [['key', 'kalice']]],
    ['key in scopes', [['key', 'orders:read', 'orders:write']]],
    [
      'headers.a == "x" && (headers["b"] in ["y", "z"] && key == "k")',
      [
        ['headers.a', 'x'],
        ['headers.b', 'y', 'z'],
        ['key', 'k'],
      ],
    ],
    ['key == headers.a', [null]],
    ['key == null', [['key', null]]],
    ['value.a["b c"] == -1.0', [['value.a.b c', -1]]],
    ['true == value.a', [['value.a', true]]],
    ['value.a[0] == 1', [null]],
    ['value.a == [1]', [null]],
    ['value.a == value.b', [null]],
    ['key != "a"', [null]],
    ['!(key == "a")', [null]],
    ['key == "a" || key == "b"', [null]],
    ['key == claims.nobody', [null]],
    ['key in claims.mixed', [['key', 1, 'a', null]]],
    ['key in claims.org', [null]],
    ['offset == 1', [['offset', 1]]],
    ['claims.sub == "alice"', [null]],
  ])('parseTemplate() finds the equalities of %s', (text, expected) => {
    expect(equalities(text)).toEqual(expected);
  });

  test.each([
    'key == "k1"',
    'key == params.id',
    'key in scopes || offset > 6',
    'headers.type == "created" && offset == 7',
    'claims.sub == "alice" && key == "k1"',
    'claims.sub == "bob" || key == "k1"',
    'claims.nobody == "bob" || key == "k1"',
    'claims.nobody == "bob"',
    'has(claims.sub) && has(headers.type)',
    '"admin" in claims.roles && size(claims.roles) < offset',
    'headers.nothing == "a" && false',
  ])('parseTemplate() holds as a whole where the expression does: %s', (text) => {
    const expected = outcomeOf(text, RECORD) === true;
    const outcomes = conjuncts(text).map((one) => one.evaluate(RECORD));
    expect(outcomes.every((outcome) => outcome === true)).toBe(expected);
  });

  test('parseTemplate() gives parts the same name where the same was given for it, and no other', () => {
    const nameOf = (text: string, scope: object = {}): string => conjuncts(text, scope)[0]!.name;
    const text = 'key != claims.sub';
    expect(nameOf(text, { offset: 1 })).toBe(nameOf(text));
    expect(nameOf(text, { claims: { sub: 'alice', other: 1 } })).toBe(nameOf(text));
    const others = [
      { sub: 'bob' },
      {},
      { sub: null },
      { sub: [] },
      { sub: ['alice'] },
      { sub: '' },
    ];
    const names = others.map((claims) => nameOf(text, { claims }));
    expect(new Set([...names, nameOf(text)]).size).toBe(others.length + 1);
    expect(nameOf('key != "a"')).not.toBe(nameOf('key != "b"'));
    const [first, second] = conjuncts('offset != 1 && offset != 2');
    expect(first!.name).not.toBe(second!.name);
  });

  test('parseTemplate() tells what it asks for, and whether what was given stands in it', () => {
    const { looksAt, operations } = parseTemplate('key == "a" && offset > 1', NAMES, GIVEN);
    expect([[...looksAt], operations]).toEqual([['key', 'offset'], 3]);
    const parts = conjuncts('key == "a" && claims.age > offset');
    expect(parts.map(({ hasGiven }) => hasGiven)).toEqual([false, true]);
    expect(parts.map((one) => [...one.looksAt])).toEqual([['key'], ['offset']]);
  });
});
