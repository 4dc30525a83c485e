import type { Random } from '../model/random.ts';
import type { Marked } from './marked.ts';
import { type Expressed, randomExpression, type Situation, type Truth } from './rights.ts';

/** Who asks for what, and a record. */
interface Looked extends Situation {
  readonly record: Marked;
}

/** Which records are let through. */
export interface RecordFilter {
  /** Of a stream. */
  readonly cel: string;
  takes(looked: Looked): boolean;
  /** Whether it may take a record of that key. */
  mayTakeKey(looked: Looked): boolean;
  /** Whether a key can leave: by a newer record that it does not take. */
  readonly losesKeys: boolean;
}

/** One of a client's own. */
export interface OwnFilter extends RecordFilter {
  /** With which it is asked for. */
  readonly query: string;
}

/** What the records of a topic have, to ask for. */
export interface Vocabulary {
  readonly topic: string;
  readonly owners: readonly string[];
  readonly keys: readonly Uint8Array[];
}

type Wish = Expressed<Looked>;

/** Values of which the contract says that nothing can be worked out. */
type Value = string | number | boolean | null | object;

/** Undefined for what is no UTF-8. */
function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Undefined for what is none. */
function jsonOf({ value }: Marked): Value | undefined {
  if (value === null) return null;
  try {
    return JSON.parse(textOf(value) ?? '') as Value;
  } catch {
    return undefined;
  }
}

function fieldOf(record: Marked, name: string): Value | undefined {
  const json = jsonOf(record);
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return undefined;
  return (json as Record<string, Value>)[name];
}

/** The last of that name; undefined where there is none, or none that is a text. */
function headerOf({ headers }: Marked, name: string): string | undefined {
  const header = headers.findLast(([one]) => one === name);
  return header === undefined ? undefined : textOf(header[1] ?? new Uint8Array(0));
}

/** With a text: null is one of no kind. */
function isEqual(value: Value | undefined, text: string): Truth {
  if (value === undefined) return 'error';
  if (value === null) return false;
  return typeof value === 'string' ? value === text : 'error';
}

function isAtLeast(value: Value | undefined, number: number): Truth {
  return typeof value === 'number' ? value >= number : 'error';
}

function ofText(text: Value | undefined, holds: (text: string) => boolean): Truth {
  return typeof text === 'string' ? holds(text) : 'error';
}

const keyOf = ({ record }: Looked): Value | undefined =>
  record.key === null ? null : textOf(record.key);

/** Of a key that may be null, which is equal to no text. */
function ofKeyOrNull(looked: Looked, holds: (key: Value) => boolean): Truth {
  const key = keyOf(looked);
  return key === undefined ? 'error' : holds(key);
}

function ofKey(random: Random, { topic, owners, keys }: Vocabulary, given: readonly Wish[]): Wish {
  const texts = [...owners, ...keys.map(textOf), 'nobody'].filter((text) => text !== undefined);
  const [one, other] = [random.pick(texts), random.pick(texts)];
  const quoted = JSON.stringify(one);
  const isInTopic = random.chance(0.5);
  return random.pick<Wish>([
    { cel: `key == ${quoted}`, holds: (looked) => isEqual(keyOf(looked), one) },
    {
      cel: `key in [${quoted}, ${JSON.stringify(other)}]`,
      holds: (looked) => ofKeyOrNull(looked, (key) => key === one || key === other),
    },
    { cel: `key != ${quoted}`, holds: (looked) => ofKeyOrNull(looked, (key) => key !== one) },
    {
      cel: `key.startsWith(${JSON.stringify(one.slice(0, -1))})`,
      holds: (looked) => ofText(keyOf(looked), (key) => key.startsWith(one.slice(0, -1))),
    },
    { cel: 'key == null', holds: (looked) => ofKeyOrNull(looked, (key) => key === null) },
    { cel: 'partition == 0', holds: () => true },
    { cel: `topic == "${isInTopic ? topic : 'another'}"`, holds: () => isInTopic },
    ...given,
  ]);
}

function beyondKey(random: Random, { owners }: Vocabulary, given: readonly Wish[]): Wish {
  const [owner, number] = [random.pick([...owners, '']), random.between(0, 9)];
  return random.pick<Wish>([
    {
      cel: `headers.owner == "${owner}"`,
      holds: ({ record }) => isEqual(headerOf(record, 'owner'), owner),
    },
    {
      cel: 'has(headers.owner)',
      holds: ({ record }) => record.headers.some(([name]) => name === 'owner'),
    },
    {
      cel: 'headers["h"].startsWith("{")',
      holds: ({ record }) => ofText(headerOf(record, 'h'), (text) => text.startsWith('{')),
    },
    {
      cel: `value.owner == "${owner}"`,
      holds: ({ record }) => isEqual(fieldOf(record, 'owner'), owner),
    },
    {
      cel: 'has(value.owner)',
      holds: ({ record }) =>
        fieldOf(record, 'more') === undefined ? 'error' : fieldOf(record, 'owner') !== undefined,
    },
    {
      cel: `value.more >= ${number}`,
      holds: ({ record }) => isAtLeast(fieldOf(record, 'more'), number),
    },
    {
      cel: 'value == null',
      holds: ({ record }) => (jsonOf(record) === undefined ? 'error' : jsonOf(record) === null),
    },
    { cel: `offset < ${number}`, holds: ({ record }) => record.offset < number },
    ...given,
  ]);
}

/** What can be asked of who asks, too. */
const BY_CLAIM: readonly Wish[] = [
  {
    cel: 'value.owner == claims.sub',
    holds: ({ record, claims }) => isEqual(fieldOf(record, 'owner'), String(claims['sub'])),
  },
  {
    cel: 'headers.owner == claims.sub',
    holds: ({ record, claims }) => isEqual(headerOf(record, 'owner'), String(claims['sub'])),
  },
  {
    cel: 'value.more >= claims.level',
    holds({ record, claims }) {
      const { level } = claims;
      const more = fieldOf(record, 'more');
      if (typeof level === 'number') return isAtLeast(more, level);
      // Texts have an order, too.
      const areTexts = typeof level === 'string' && typeof more === 'string';
      return areTexts ? more >= level : 'error';
    },
  },
];

/** What can be asked of keys by who asks for what, too. */
function keysBy(params: readonly string[]): readonly Wish[] {
  const byClaim: Wish = {
    cel: 'key == claims.sub',
    holds: (looked) => isEqual(keyOf(looked), String(looked.claims['sub'])),
  };
  const byParameter = params.map(
    (name): Wish => ({
      cel: `key == params.${name}`,
      holds: (looked) => isEqual(keyOf(looked), looked.params[name]!),
    }),
  );
  return [byClaim, ...byParameter];
}

function filterOf({ cel, holds }: Wish, isOfKey: boolean): RecordFilter {
  const takes = (looked: Looked): boolean => holds(looked) === true;
  return { cel, takes, mayTakeKey: isOfKey ? takes : () => true, losesKeys: !isOfKey };
}

/** What a stream lets through. */
export function streamFilter(
  random: Random,
  words: Vocabulary,
  params: readonly string[],
): RecordFilter {
  const isOfKey = random.chance(0.3);
  const keys = keysBy(params);
  const atom = (): Wish =>
    isOfKey || random.chance(0.3) ? ofKey(random, words, keys) : beyondKey(random, words, BY_CLAIM);
  return filterOf(randomExpression(random, atom, 2), isOfKey);
}

interface Part {
  readonly query: string;
  readonly filter: RecordFilter;
}

/** What a client asks for by itself. */
export function ownFilter(random: Random, words: Vocabulary): OwnFilter {
  const parts: Part[] = [];
  if (random.chance(0.5)) parts.push(keysPart(random, words));
  if (random.chance(0.3)) parts.push(headersPart(random, words));
  if (parts.length === 0 || random.chance(0.4)) parts.push(wherePart(random, words));
  const filters = parts.map(({ filter }) => filter);
  return {
    query: parts.map(({ query }) => query).join('&'),
    cel: filters.map(({ cel }) => cel).join(' && '),
    takes: (looked) => filters.every((one) => one.takes(looked)),
    mayTakeKey: (looked) => filters.every((one) => one.mayTakeKey(looked)),
    losesKeys: filters.some(({ losesKeys }) => losesKeys),
  };
}

/** A record has one of them. */
function keysPart(random: Random, { keys }: Vocabulary): Part {
  const wanted = keys.filter(() => random.chance(0.4));
  if (wanted.length === 0) wanted.push(random.pick(keys));
  const query = wanted.map((key) => {
    const text = textOf(key);
    const encoding = random.pick(['base64', 'base64url'] as const);
    return text === undefined || random.chance(0.3)
      ? `keyBase64=${encodeURIComponent(Buffer.from(key).toString(encoding))}`
      : `key=${encodeURIComponent(text)}`;
  });
  const takes = ({ record }: Looked): boolean =>
    record.key !== null && wanted.some((key) => Buffer.compare(key, record.key!) === 0);
  const filter = { cel: query.join(), takes, mayTakeKey: takes, losesKeys: false };
  return { query: query.join('&'), filter };
}

function headersPart(random: Random, { owners }: Vocabulary): Part {
  const wanted = [random.pick(owners), random.pick([...owners, 'nobody'])];
  const query = wanted.map((owner) => `header.owner=${owner}`).join('&');
  const takes = ({ record }: Looked): boolean => {
    const owner = headerOf(record, 'owner');
    return owner !== undefined && wanted.includes(owner);
  };
  return { query, filter: { cel: query, takes, mayTakeKey: () => true, losesKeys: true } };
}

function wherePart(random: Random, words: Vocabulary): Part {
  const isOfKey = random.chance(0.4);
  const atom = (): Wish =>
    isOfKey || random.chance(0.2) ? ofKey(random, words, []) : beyondKey(random, words, []);
  const wish = randomExpression(random, atom, 2);
  return { query: `where=${encodeURIComponent(wish.cel)}`, filter: filterOf(wish, isOfKey) };
}
