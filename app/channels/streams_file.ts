/**
 * The streams file: which paths serve what to whom. YAML 1.2, so JSON as well.
 *
 * @module
 */

import {
  isAlias,
  isCollection,
  isMap,
  isScalar,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  visit,
  type YAMLMap,
} from 'yaml';
import { z } from 'zod';
import { IDENTITY_NAMES } from '../auth/rights.ts';
import { topic as topicName } from '../config/config_values.ts';
import { ExpressionError, type Names, parseTemplate } from '../expressions/expression.ts';
import { MAP, TEXT_TYPE, type Type } from '../expressions/kinds.ts';
import { VALUE_KINDS, type ValueKind } from '../ports/values.ts';
import { RECORD_NAMES } from '../views/filter_parts.ts';
import { MAX_EVERY_MS, MIN_EVERY_MS } from '../views/pace.ts';
import { parametersOf, parsePath, type Segment, shapeOf } from './path_pattern.ts';

const MAX_BYTES = 2 ** 20;
/** Anchors that stand for anchors could make a small file endless. */
const MAX_ALIASES = 100;
/** A file that is something else may have any number of them. */
const MAX_FAULTS = 100;

/** What a streams file says. */
export interface StreamsFile {
  /** The topics that it says something of: theirs is said here alone. */
  readonly topics: readonly string[];
  readonly channels: readonly ChannelDefinition[];
}

/** What one path is to serve; `Channels` has it so. */
interface ChannelDefinition {
  readonly path: string;
  readonly segments: readonly Segment[];
  readonly topic: string;
  /** Several in one stream. */
  readonly topics?: readonly { readonly topic: string; readonly value: ValueKind }[];
  readonly isStream: boolean;
  readonly require: string | null;
  readonly value: ValueKind;
  readonly where: string | null;
  readonly every: number | null;
  readonly compression?: boolean;
  readonly hasOpenKeys: boolean;
}

/** One thing that is wrong with the file; line and column from 1. */
export interface StreamsFileFault {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** Every fault of the file at once, in order. */
export class StreamsFileError extends Error {
  readonly faults: readonly StreamsFileFault[];

  constructor(faults: readonly StreamsFileFault[]) {
    super(faults.map(({ line, column, message }) => `${line}:${column}: ${message}`).join('\n'));
    this.name = 'StreamsFileError';
    this.faults = faults;
  }
}

const EVERY_RANGE = `${MIN_EVERY_MS} to ${MAX_EVERY_MS}`;
const rule = z.string('an expression in quotes').min(1, 'an expression');
const COMMON = {
  require: z
    .union([rule, z.literal(true).transform(String)], 'an expression, or true')
    .optional()
    .describe(
      'Who may read, in CEL, of claims, scopes, params and topic; "true": who is signed in.',
    ),
  where: rule.optional().describe('Which records there are to read, in CEL.'),
  every: z
    .int('a whole number of milliseconds')
    .min(MIN_EVERY_MS, EVERY_RANGE)
    .max(MAX_EVERY_MS, EVERY_RANGE)
    .optional()
    .describe('Milliseconds between two beats at which records are sent.'),
  keys: z
    .literal('open', 'open, or left out')
    .optional()
    .describe('The keys of its records are no secret.'),
};
const topicShape = z.strictObject(
  {
    ...COMMON,
    value: z
      .enum(VALUE_KINDS, 'bytes, json or registry')
      .optional()
      .describe('What its values are; bytes where it is left out.'),
    path: z
      .literal(false, 'false, or left out')
      .optional()
      .describe('It is reached by streams alone.'),
  },
  'what is said of the topic, such as {require: "true"}',
);
const streamShape = z.strictObject(
  {
    ...COMMON,
    topic: topicName.optional().describe('The topic that is read.'),
    topics: z
      .array(topicName, 'a list of topics')
      .min(2, '2 to 32 topics')
      .max(32, '2 to 32 topics')
      .optional()
      .describe('Several topics in one stream, in the place of topic.'),
    compression: z
      .literal(false, 'false, or left out')
      .optional()
      .describe('It is sent as it is, whatever COMPRESSION says.'),
  },
  'what is served, such as {topic: orders}',
);
const SHAPE = z.strictObject(
  {
    topics: z
      .record(topicName, topicShape.nullable(), 'topics by their names')
      .nullish()
      .describe('Topics by their names, each served at /<topic>.'),
    streams: z
      .record(z.string(), streamShape, 'streams by their paths')
      .nullish()
      .describe('Streams by their paths, such as /customers/{id}/orders.'),
  },
  'topics and streams',
);

/** The shape of the file as editors know one: served as `/streams.schema.json`. */
export function streamsFileSchema(): object {
  const title = 'Streams file of sse-kafka-fanout';
  // The version that editors of YAML know.
  return { title, ...z.toJSONSchema(SHAPE, { target: 'draft-7', io: 'input' }) };
}

type Key = string | number;

/**
 * Reads a streams file.
 * @param hasSignIn whether it is known who asks, so that rights can be worked out
 * @param hasRegistry whether there is one that values can be read by
 * @throws StreamsFileError with every fault
 */
export function parseStreamsFile(
  text: string,
  hasSignIn: boolean,
  hasRegistry = false,
): StreamsFile {
  return new Reader(text, hasSignIn, hasRegistry).read();
}

class Reader {
  readonly #text: string;
  readonly #hasSignIn: boolean;
  readonly #hasRegistry: boolean;
  readonly #lines = new LineCounter();
  readonly #faults: (StreamsFileFault & { readonly offset: number })[] = [];
  readonly #pairs = new Map<YAMLMap, ReadonlyMap<string, Pair>>();
  #root: Node | null = null;

  constructor(text: string, hasSignIn: boolean, hasRegistry: boolean) {
    this.#text = text;
    this.#hasSignIn = hasSignIn;
    this.#hasRegistry = hasRegistry;
  }

  read(): StreamsFile {
    const file = this.#parse();
    const parsed = SHAPE.safeParse(file ?? {});
    for (const issue of parsed.error?.issues ?? []) this.#shapeFault(issue);
    const channels = this.#faults.length === 0 ? this.#define(parsed.data!) : [];
    if (this.#faults.length === 0) {
      return { topics: Object.keys(parsed.data!.topics ?? {}), channels };
    }
    const inOrder = this.#faults.toSorted((a, b) => a.offset - b.offset);
    const told = inOrder
      .slice(0, MAX_FAULTS)
      .map(({ line, column, message }) => ({ line, column, message }));
    const more = inOrder.length - told.length;
    if (more > 0) told.push({ line: 1, column: 1, message: `and ${more} faults more` });
    throw new StreamsFileError(told);
  }

  #parse(): unknown {
    if (new TextEncoder().encode(this.#text).length > MAX_BYTES) {
      this.#fault(0, `more than ${MAX_BYTES} bytes`);
      return {};
    }
    try {
      const document = parseDocument(this.#text, {
        lineCounter: this.#lines,
        prettyErrors: false,
        stringKeys: true,
        // It compares each with all before: minutes for a file of 1 MB. Looked for below.
        uniqueKeys: false,
      });
      for (const { pos, message } of [...document.errors, ...document.warnings]) {
        this.#fault(pos[0], message);
      }
      this.#root = document.contents;
      const anchors = new Set<string>();
      visit(document, {
        // Not by `alias.resolve`, which goes through the whole document for each.
        Alias: (_, { source, range }) => {
          if (!anchors.has(source))
            this.#fault(range?.[0] ?? 0, `no anchor for the alias ${source}`);
        },
        Value: (key, node) => {
          if (node.anchor !== undefined) anchors.add(node.anchor);
          if (isMap(node)) this.#checkUnique(node);
          // Whatever has it is passed over without a word where shapes are checked.
          if (key === 'key' && 'value' in node && node.value === '__proto__') {
            this.#fault(node.range?.[0] ?? 0, '__proto__ cannot be a name here');
          }
        },
      });
      return this.#faults.length === 0 ? document.toJS({ maxAliasCount: MAX_ALIASES }) : {};
    } catch (error) {
      // Nested so deeply that its stack ends, or too many aliases.
      this.#fault(0, `cannot be read: ${(error as Error).message}`);
      return {};
    }
  }

  #checkUnique({ items }: YAMLMap): void {
    const names = new Set<string>();
    for (const { key } of items) {
      if (!isScalar(key)) continue;
      const name = String(key.value);
      if (names.has(name)) this.#fault(key.range?.[0] ?? 0, 'Map keys must be unique');
      names.add(name);
    }
  }

  #shapeFault(issue: z.core.$ZodIssue): void {
    const path = issue.path as Key[];
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys) {
        this.#fault(this.#offsetOf([...path, key], true), `no such setting: ${key}`);
      }
      return;
    }
    if (issue.code === 'invalid_key') {
      this.#fault(this.#offsetOf(path, true), `expected ${issue.issues[0]?.message ?? 'a name'}`);
      return;
    }
    this.#fault(this.#offsetOf(path, false), `expected ${issue.message}`);
  }

  #define({ topics, streams }: z.output<typeof SHAPE>): ChannelDefinition[] {
    const definitions: ChannelDefinition[] = [];
    for (const [topic, given] of Object.entries(topics ?? {})) {
      const at = ['topics', topic];
      const said = given ?? {};
      this.#checkRules(at, said, []);
      if (said.value === 'registry' && !this.#hasRegistry) {
        this.#fault(
          this.#offsetOf([...at, 'value'], false),
          'value: registry needs a registry (REGISTRY_URL)',
        );
      }
      if (said.path === false) continue;
      this.#checkRight(at, said.require);
      const segments = [{ literal: topic }];
      const { require = null, where = null, every = null, value = 'bytes' } = said;
      const hasOpenKeys = said.keys === 'open';
      const what = { topic, isStream: false, require, where, every, value, hasOpenKeys };
      definitions.push({ path: `/${topic}`, segments, ...what });
    }
    const shapes = new Map<string, string>();
    for (const [path, said] of Object.entries(streams ?? {})) {
      const at = ['streams', path];
      const segments = this.#segments(at, path);
      this.#checkRules(at, said, parametersOf(segments));
      this.#checkRight(at, said.require);
      if ((said.topic === undefined) === (said.topics === undefined)) {
        this.#fault(this.#offsetOf(at, true), 'expected topic or topics, one of the two');
      }
      const shape = shapeOf(segments);
      const same = shapes.get(shape);
      if (same !== undefined) {
        this.#fault(this.#offsetOf(at, true), `it takes the same paths as ${same}`);
      }
      shapes.set(shape, path);
      const { topic = '', require = null, where = null, every = null } = said;
      const kindOf = (name: string): ValueKind => topics?.[name]?.value ?? 'bytes';
      const compression = said.compression ?? true;
      const hasOpenKeys = said.keys === 'open';
      const rules = { require, where, every, compression, hasOpenKeys };
      const common = { path, segments, isStream: true, ...rules };
      if (said.topics === undefined) definitions.push({ ...common, topic, value: kindOf(topic) });
      else definitions.push({ ...common, ...this.#several(at, said.topics, kindOf) });
    }
    return definitions;
  }

  #several(
    at: Key[],
    names: readonly string[],
    kindOf: (name: string) => ValueKind,
  ): Required<Pick<ChannelDefinition, 'topic' | 'topics' | 'value'>> {
    const twice = names.findIndex((name, n) => names.indexOf(name) < n);
    if (twice >= 0) {
      this.#fault(
        this.#offsetOf([...at, 'topics', twice], false),
        `${names[twice]} stands there twice`,
      );
    }
    const topics = names.map((topic) => ({ topic, value: kindOf(topic) }));
    return { topic: names.join(), topics, value: 'bytes' };
  }

  #segments(at: Key[], path: string): Segment[] {
    try {
      return parsePath(path);
    } catch (error) {
      this.#fault(this.#offsetOf(at, true), (error as Error).message);
      return [{ literal: path }];
    }
  }

  #checkRight(at: Key[], require: string | undefined): void {
    if (this.#hasSignIn && require === undefined) {
      const message =
        'no require: with a sign-in it has to be said who may read ("true": whoever is signed in)';
      this.#fault(this.#offsetOf(at, true), message);
    }
    if (!this.#hasSignIn && require !== undefined) {
      this.#fault(this.#offsetOf([...at, 'require'], true), 'require needs a sign-in (JWT_ISSUER)');
    }
  }

  #checkRules(at: Key[], said: z.output<typeof streamShape>, params: readonly string[]): void {
    const names = namesOf(params, this.#hasSignIn);
    if (said.require !== undefined && this.#hasSignIn) {
      this.#checkExpression([...at, 'require'], said.require, names);
    }
    if (said.where !== undefined) {
      this.#checkExpression([...at, 'where'], said.where, new Map([...names, ...RECORD_NAMES]));
    }
  }

  #checkExpression(at: Key[], text: string, names: Names): void {
    try {
      parseTemplate(text, names, new Set());
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      const start = this.#offsetOf(at, false);
      // Where the file has it as it is, in quotes or not, the very place can be named.
      const quote = /["']/.test(this.#text[start] ?? '') ? 1 : 0;
      const isPlain = this.#text.startsWith(text, start + quote);
      this.#fault(isPlain ? start + quote + error.offset : start, `${at.at(-1)}: ${error.message}`);
    }
  }

  /** Where a value stands, or its key. */
  #offsetOf(path: readonly Key[], isKey: boolean): number {
    let node: unknown = this.#root;
    let offset = this.#root?.range?.[0] ?? 0;
    for (const [depth, key] of path.entries()) {
      if (isAlias(node)) return offset;
      if (!isCollection(node)) return offset;
      const wantsKey = isKey && depth === path.length - 1;
      const pair = isMap(node) ? this.#pairsOf(node).get(String(key)) : undefined;
      const next = wantsKey ? pair?.key : (pair?.value ?? pair?.key ?? node.get(key, true));
      const range = (next as Node | undefined)?.range;
      if (!range) return offset;
      offset = range[0];
      node = next;
    }
    return offset;
  }

  /** By their keys, the first of each: of thousands of faults each looks for its place. */
  #pairsOf(map: YAMLMap): ReadonlyMap<string, Pair> {
    const known = this.#pairs.get(map);
    if (known !== undefined) return known;
    const entries = map.items.flatMap((pair) =>
      isScalar(pair.key) ? [[String(pair.key.value), pair] as const] : [],
    );
    const pairs = new Map(entries.reverse());
    this.#pairs.set(map, pairs);
    return pairs;
  }

  #fault(offset: number, message: string): void {
    const { line, col } = this.#lines.linePos(offset);
    // Before anything was read it knows no lines.
    this.#faults.push({ offset, line: Math.max(1, line), column: Math.max(1, col), message });
  }
}

/**
 * What is served with a streams file: its own, and the topics of the settings that it says nothing of.
 * A stream's path takes the place of a topic's.
 */
export function withTopics(
  settled: readonly string[],
  { topics, channels }: StreamsFile,
): ChannelDefinition[] {
  const ofSettings = settled
    .filter((topic) => !topics.includes(topic))
    .map((topic) => ({
      path: `/${topic}`,
      segments: [{ literal: topic }],
      topic,
      isStream: false,
      require: null,
      value: 'bytes' as const,
      where: null,
      every: null,
      hasOpenKeys: false,
    }));
  const streams = new Set(channels.flatMap(({ path, isStream }) => (isStream ? path : [])));
  const isFree = ({ path, isStream }: ChannelDefinition): boolean => isStream || !streams.has(path);
  return [...ofSettings, ...channels].filter(isFree);
}

interface NamedTopic {
  readonly topic: string;
  readonly value?: ValueKind;
}

/** The topics of a channel, in the order in which it names them. */
export function namedTopics({
  topic,
  topics,
  value = 'bytes',
}: NamedTopic & { readonly topics?: readonly NamedTopic[] }): readonly NamedTopic[] {
  return topics ?? [{ topic, value }];
}

/** What the right of a stream may name. */
export function namesOf(params: readonly string[], hasSignIn: boolean): Names {
  const types = new Map(params.map((name) => [name, TEXT_TYPE] as const));
  return new Map<string, Type>([
    ...(hasSignIn ? IDENTITY_NAMES : []),
    ['params', { kinds: MAP, names: types }],
    ['topic', TEXT_TYPE],
  ]);
}
