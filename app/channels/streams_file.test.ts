import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import {
  parseStreamsFile,
  StreamsFileError,
  type StreamsFileFault,
  streamsFileSchema,
  withTopics,
} from './streams_file.ts';

function faultsOf(text: string, hasSignIn = true): readonly StreamsFileFault[] {
  try {
    parseStreamsFile(text, hasSignIn);
    return [];
  } catch (error) {
    if (error instanceof StreamsFileError) return error.faults;
    throw error;
  }
}

/** A file with § where the fault is, and a part of what is told. */
type Broken = readonly [text: string, message: string];

/** The file without its mark, and where that stood. */
function marked(text: string): { readonly file: string; readonly at: string } {
  const before = text.slice(0, text.indexOf('§')).split('\n');
  return { file: text.replace('§', ''), at: `${before.length}:${before.at(-1)!.length + 1}` };
}

const stream = (rest: string): string => `streams:\n  /a:\n    topic: a\n    ${rest}\n`;
const right = (expression: string): string => stream(`require: ${expression}`);
const path = (text: string): string => `streams:\n  ${text}: { topic: a, require: "true" }\n`;
const topic = (text: string): string => `topics:\n  ${text}\n`;

const NO_YAML: Broken[] = [
  ['streams: {§', 'Flow map'],
  ['streams:\n  /a: [§', 'Flow sequence'],
  ['streams: "a§', 'closing "quote'],
  ['streams:\n§\t/a: 1', 'Tabs'],
  ['a: 1\n§a: 2', 'unique'],
  ['streams: §*b', 'alias'],
  ['topics: §*b\nstreams: &b {}', 'alias'],
  ['a: §b: c', 'ested mappings'],
  ['a: 1\n§---\nb: 2', 'multiple documents'],
  ['streams: §!thing {}', 'tag'],
  ['%YAML §9.9\n---\na: 1', 'version'],
  ['streams:\n  /a:§\n topic: a', ''],
  ['- a\nb§: 1', ''],
  ['streams: §@a', 'cannot start'],
  ['streams: §`a', 'cannot start'],
  ['streams: |§x\n  a', ''],
  ['streams: §}', ''],
];

const SHAPES: Broken[] = [
  ['§text', 'topics and streams'],
  ['§- a', 'topics and streams'],
  ['§1', 'topics and streams'],
  ['§topic: {}', 'no such setting: topic'],
  ['§stream: {}', 'no such setting: stream'],
  ['topics:\n  §__proto__: { require: "true" }', '__proto__'],
  ['topics: §a', 'topics by their names'],
  ['topics: §[a]', 'topics by their names'],
  ['streams: §[a]', 'streams by their paths'],
  ['streams: §1', 'streams by their paths'],
  [topic('§a b: { require: "true" }'), 'a topic name'],
  [topic('§"": { require: "true" }'), 'a topic name'],
  [topic('§a/b: { require: "true" }'), 'a topic name'],
  [topic('a: §text'), 'what is said of the topic'],
  [topic('a: §[]'), 'what is said of the topic'],
  [topic('a: { §wher: x, require: "true" }'), 'no such setting: wher'],
  [topic('a: { §topic: x, require: "true" }'), 'no such setting: topic'],
  [topic('a: { §compression: false, require: "true" }'), 'no such setting: compression'],
  [topic('a: { value: §avro, require: "true" }'), 'bytes, json or registry'],
  [topic('a: { value: §null, require: "true" }'), 'bytes, json or registry'],
  [topic('a: { path: §true }'), 'false, or left out'],
  [topic('a: { path: §/b }'), 'false, or left out'],
  [topic('a: { require: §1 }'), 'an expression'],
  [topic('a: { require: §false }'), 'an expression'],
  [topic('a: { require: §[] }'), 'an expression'],
  [topic('a: { require: §null }'), 'an expression'],
  [topic('a: { require: §"" }'), 'an expression'],
  [topic('a: { keys: §closed, require: "true" }'), 'open, or left out'],
  [stream('require: "true"\n    §topc: b'), 'no such setting: topc'],
  [stream('require: "true"\n    §path: false'), 'no such setting: path'],
  [stream('require: "true"\n    §value: json'), 'no such setting: value'],
  [stream('require: "true"\n    compression: §gzip'), 'false, or left out'],
  [stream('require: "true"\n    every: §99'), '100 to 60000'],
  [stream('require: "true"\n    every: §60001'), '100 to 60000'],
  [stream('require: "true"\n    every: §1.5'), 'a whole number'],
  [stream('require: "true"\n    every: §250ms'), 'a whole number'],
  ['streams:\n  /a: §text\n', 'what is served'],
  ['streams:\n  /a: §\n', 'what is served'],
  ['streams:\n  /a: { topic: §a b, require: "true" }\n', 'a topic name'],
  ['streams:\n  /a: { topic: §[a], require: "true" }\n', ''],
  ['streams:\n  /a: { topics: §a, require: "true" }\n', 'a list of topics'],
  ['streams:\n  /a: { topics: §[a], require: "true" }\n', '2 to 32'],
  ['streams:\n  §/a: { require: "true" }\n', 'topic or topics'],
  ['streams:\n  /a: { topics: [a, b, §a], require: "true" }\n', 'a stands there twice'],
  ['{"streams": {"/a": {"topic": "a", "require": §7}}}', 'an expression'],
];

const PATHS: Broken[] = [
  [path('§a'), 'begins with /'],
  [path('§"{a}"'), 'begins with /'],
  [path('§""'), 'begins with /'],
  [path('§/a?b'), 'none of'],
  [path('§"/a#b"'), 'none of'],
  [path('§/a%20b'), 'none of'],
  [path('§"/a\\\\b"'), 'none of'],
  [path('§"/a\\nb"'), 'none of'],
  [path('§"/a{b}"'), 'a segment by itself'],
  [path('§"/{a}b"'), 'a segment by itself'],
  [path('§"/{a}{b}"'), 'a segment by itself'],
  [path('§"/{}"'), 'a segment by itself'],
  [path('§"/{a-b}"'), 'a segment by itself'],
  [path('§"/{1a}"'), 'a segment by itself'],
  [path('§"/{a"'), 'a segment by itself'],
  [path('§"/a}"'), 'a segment by itself'],
  [path('§"/{a}/{a}"'), '{a} stands in the path twice'],
  [path('§/a/../b'), 'without . and ..'],
  [path('§/.'), 'without . and ..'],
  [path('§/..'), 'without . and ..'],
  [path('§/-/topics'), '/-/'],
  [path('§/-/'), '/-/'],
  [path('§"/-/{a}"'), '/-/'],
  [`${path('"/a/{b}"')}  §"/a/{c}": { topic: a, require: "true" }\n`, 'the same paths as /a/{b}'],
];

const RULES: Broken[] = [
  ['streams:\n  §/a: { topic: a }\n', 'no require'],
  ['topics:\n  §a: {}\n', 'no require'],
  ['topics:\n  §a:\n', 'no require'],
  ['topics: { §a: { path: ~ } }\n'.replace('path: ~', 'value: bytes'), 'no require'],
  [right('§claim.sub == "a"'), 'no name claim here'],
  [right('claims.sub == "a" && §who'), 'no name who here'],
  [right('\'claims.sub == "a" && §who\''), 'no name who here'],
  [right('"true && §who"'), 'no name who here'],
  [right('claims.sub == params.§id'), 'there are none'],
  [right('§topic == 1'), 'never a number'],
  [right('§topic'), 'true or false is needed'],
  [right('§1 in scopes'), 'never in it'],
  [right('"a" §=> 1').replace('require: "a" §=> 1', 'require: a §=> 1'), 'Unexpected character'],
  [right('"claims.sub == §"'), 'Unexpected token'],
  [right('§scopes.exists(s, s == "a")'), 'exists() is not taken'],
  [right('§key == "a"'), 'no name key here'],
  [right('§value.customer == claims.sub'), 'no name value here'],
  [right('|\n      true &&\n      who').replace('require: |', 'require: §|'), 'no name who here'],
  [right('§"\\u0077ho"'), 'no name who here'],
  [`streams:\n  "/{id}": { topic: a, require: "claims.sub == params.§name" }\n`, 'there are id'],
  [topic('a: { require: "params.§id == topic" }'), 'there are none'],
  [topic('a: { path: false, require: "§who" }'), 'no name who'],
];

const NOT_YET: Broken[] = [
  [
    topic('a: { value: §registry, require: "true" }'),
    'value: registry needs a registry (REGISTRY_URL)',
  ],
];

describe('parseStreamsFile()', () => {
  test('parseStreamsFile() reads topics and streams, with what each asks for', () => {
    const text = `
topics:                                  # a comment
  prices: { value: bytes, require: true }
  orders: { path: false }
  audit:  { require: '"auditor" in claims.roles' }
streams:
  /my/orders: &own { topic: orders, require: '"orders:read" in scopes' }
  /customers/{id}/orders:
    topic: orders
    require: claims.sub == params.id || "support" in claims.roles
  /again: *own
`;
    expect(
      parseStreamsFile(text, true).channels.map(({ isStream, path, topic, require }) => [
        isStream,
        path,
        topic,
        require,
      ]),
    ).toEqual([
      [false, '/prices', 'prices', 'true'],
      [false, '/audit', 'audit', '"auditor" in claims.roles'],
      [true, '/my/orders', 'orders', '"orders:read" in scopes'],
      [
        true,
        '/customers/{id}/orders',
        'orders',
        'claims.sub == params.id || "support" in claims.roles',
      ],
      [true, '/again', 'orders', '"orders:read" in scopes'],
    ]);
  });

  test('parseStreamsFile() reads what the values of a topic are, also for its streams', () => {
    const text = `
topics: { a: { value: json }, b: }
streams: { /a2: { topic: a }, /c: { topic: c } }
`;
    const { channels } = parseStreamsFile(text, false);
    expect(channels.map(({ path, value }) => [path, value])).toEqual([
      ['/a', 'json'],
      ['/b', 'bytes'],
      ['/a2', 'json'],
      ['/c', 'bytes'],
    ]);
  });

  test('parseStreamsFile() reads the beats of topics and streams', () => {
    const text = 'topics: { a: { every: 100 }, b: }\nstreams: { /c: { topic: a, every: 60000 } }\n';
    const { channels } = parseStreamsFile(text, false);
    expect(channels.map(({ path, every }) => [path, every])).toEqual([
      ['/a', 100],
      ['/b', null],
      ['/c', 60_000],
    ]);
  });

  test('parseStreamsFile() reads several topics in one stream, each with its values', () => {
    const text = 'topics: { b: { value: json } }\nstreams: { /all: { topics: [b, a] } }';
    const { channels } = parseStreamsFile(text, false);
    expect(channels.map(({ path, topic, topics }) => ({ path, topic, topics }))).toEqual([
      { path: '/b', topic: 'b', topics: undefined },
      {
        path: '/all',
        topic: 'b,a',
        topics: [
          { topic: 'b', value: 'json' },
          { topic: 'a', value: 'bytes' },
        ],
      },
    ]);
  });

  test.each(['', '# nothing\n', '{}', 'topics:\nstreams:\n', 'topics: {}\nstreams: {}\n'])(
    'parseStreamsFile() takes %j, in which nothing is',
    (text) => {
      expect(parseStreamsFile(text, true)).toEqual({ topics: [], channels: [] });
    },
  );

  test('parseStreamsFile() takes JSON, and needs no right where everybody may read', () => {
    const file = { topics: { a: null }, streams: { '/b': { topic: 'a' }, '/c/': { topic: 'a' } } };
    const { channels } = parseStreamsFile(JSON.stringify(file), false);
    const paths = channels.map(({ path }) => path);
    expect(paths).toEqual(['/a', '/b', '/c/']);
  });

  test('parseStreamsFile() has a corpus of at least 100 broken files', () => {
    const all = [NO_YAML, SHAPES, PATHS, RULES, NOT_YET].flat();
    expect(all.length).toBeGreaterThanOrEqual(100);
  });

  test.each([...NO_YAML, ...SHAPES, ...PATHS, ...RULES, ...NOT_YET])(
    'parseStreamsFile() says where %j is wrong',
    (text, message) => {
      const { file, at } = marked(text);
      const told = faultsOf(file).map(
        ({ line, column, message }) => `${line}:${column}: ${message}`,
      );
      expect(told).toContainEqual(expect.stringContaining(message));
      expect(told.map((fault) => fault.split(': ')[0])).toContain(at);
    },
  );

  test('parseStreamsFile() refuses a right and claims where nobody is signed in', () => {
    const text =
      'streams:\n  /a: { topic: a, require: "true" }\n  /b: { topic: b, where: claims.x }';
    expect(faultsOf(text, false)).toEqual([
      { line: 2, column: 19, message: 'require needs a sign-in (JWT_ISSUER)' },
      { line: 3, column: 26, message: expect.stringContaining('no name claims here') },
    ]);
  });

  test('parseStreamsFile() tells all faults together, in their order', () => {
    const text = 'streams:\n  b: { topic: a }\n  /-/x: { topic: a, require: who }\n';
    expect(faultsOf(text).map(({ line, column }) => [line, column])).toEqual([
      [2, 3],
      [2, 3],
      [3, 3],
      [3, 30],
    ]);
  });

  test('parseStreamsFile() takes neither too much nor what has no end', () => {
    const wide = `a: ${'x'.repeat(2 ** 20)}`;
    expect(faultsOf(wide)).toMatchObject([
      { message: expect.stringContaining('more than 1048576') },
    ]);
    const bomb = Array.from({ length: 12 }, (_, i) =>
      i === 0
        ? 'a0: &a0 [x,x,x,x]'
        : `a${i}: &a${i} [${Array(8)
            .fill(`*a${i - 1}`)
            .join()}]`,
    ).join('\n');
    expect(faultsOf(bomb)).toMatchObject([{ message: expect.stringContaining('alias') }]);
    // Thousands of names, and of faults: not each is held against all.
    const names = Array.from({ length: 20_000 }, (_, i) => `a${i}: 1\n`).join('');
    expect(faultsOf(names)).toHaveLength(101);
    for (const deep of ['[', '{a: ', '- ']) {
      const { length } = faultsOf(deep.repeat(20_000));
      expect(length).toBeGreaterThan(0);
      expect(length).toBeLessThanOrEqual(101);
    }
  });
});

describe('withTopics()', () => {
  test('withTopics() leaves a topic to the file, and a path to a stream', () => {
    const text = `
topics: { a: { require: "true" }, hidden: { path: false } }
streams:
  /c: { topic: other, require: "true" }
  "/{x}/y": { topic: a, require: "true" }
`;
    const served = withTopics(['a', 'b', 'c', 'hidden'], parseStreamsFile(text, true));
    expect(served.map(({ path, topic, require }) => [path, topic, require])).toEqual([
      ['/b', 'b', null],
      ['/a', 'a', 'true'],
      ['/c', 'other', 'true'],
      ['/{x}/y', 'a', 'true'],
    ]);
  });
});

describe('streamsFileSchema()', () => {
  const file = new URL('../../public/streams.schema.json', import.meta.url);
  const schema = JSON.parse(readFileSync(file, 'utf8'));

  test('is what editors are given: public/streams.schema.json (node test/support/keep_streams_schema.mjs)', () => {
    expect(schema).toEqual(streamsFileSchema());
  });

  test('tells what is in the wrong place, and lets the rest be', () => {
    const holds = new Ajv().compile(schema);
    const right = `
topics: { prices: { value: json, require: "true" }, orders: { path: false }, plain: }
streams: { "/{id}": { topic: orders, require: true, where: key == params.id, every: 250 } }`;
    expect(holds(parse(right))).toBe(true);
    for (const wrong of [
      'topics: { a: { requires: "true" } }',
      'topics: { "a/b": {} }',
      'streams: { /a: { topic: a, every: 99 } }',
      'streams: { /a: { topics: [a] } }',
      'topic: {}',
    ]) {
      expect([wrong, holds(parse(wrong))]).toEqual([wrong, false]);
    }
  });
});
