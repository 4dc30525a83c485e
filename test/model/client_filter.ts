import { parseTemplate } from '../../app/expressions/expression.ts';
import type { KafkaRecord } from '../../app/ports/source.ts';
import { Filter } from '../../app/views/filter.ts';
import { type FilterParts, filterParts, RECORD_NAMES } from '../../app/views/filter_parts.ts';
import { byteText, type Field } from '../../app/views/record_facts.ts';
import type { Random } from './random.ts';

/** What a client wants, as it asks a gateway for it and as the contract means it. */
export interface ClientFilter {
  /** `null`: everything. */
  readonly asked: Filter | null;
  /** By the contract alone. */
  wants(record: KafkaRecord): boolean;
  /** Whether keys can leave it: by a newer record of the key that it does not let through. */
  readonly losesKeys: boolean;
  /** Whether it may let through some record of that key and partition. */
  mayWantKeyOf(record: KafkaRecord): boolean;
  /** Whether the part of it which is not its own lets a record through; `null`: all keys may be seen. */
  readonly mayHave: ((record: KafkaRecord) => boolean) | null;
}

export const EVERYTHING: ClientFilter = {
  asked: null,
  wants: () => true,
  losesKeys: false,
  mayWantKeyOf: () => true,
  mayHave: null,
};

interface Part {
  readonly field: Field;
  readonly values: readonly Uint8Array[];
}

type Asked = Pick<FilterParts, 'equalities' | 'conditions'>;

/** What a client asks for itself. */
export interface OwnFilter extends ClientFilter {
  readonly parts: Asked;
}

export function randomFilter(random: Random, keys: number): OwnFilter {
  const fields: Part[] = [];
  if (random.chance(0.6)) {
    const values = Array.from({ length: random.pick([1, 1, 1, 2, 5]) }, () => {
      const number = random.between(1, keys + 1);
      return number === 1 ? NOT_UTF8 : Buffer.from(number > keys ? 'no key' : `k${number}`);
    });
    fields.push({ field: 'key', values });
  }
  if (fields.length === 0 || random.chance(0.5)) {
    const values = Array.from({ length: random.pick([1, 1, 2]) }, () =>
      Buffer.from(random.pick(['a', 'b', '', 'none'])),
    );
    fields.push({ field: 'header:kind', values });
  }
  const [text, holdsFor] = random.pick([...OF_KEY, ...BEYOND_KEY]);
  const isExpressed = random.chance(0.4);
  const used = isExpressed && random.chance(0.5) ? [] : fields;
  const isTextOfKey = OF_KEY.some(([one]) => one === text);
  const equalities = used.map(({ field, values }) => ({ field, values: values.map(byteText) }));
  const parsed = filterParts(parseTemplate(text, RECORD_NAMES, new Set()).given({}));
  const expressed = isExpressed ? parsed : { equalities: [], conditions: [] };
  const parts = {
    equalities: [...equalities, ...expressed.equalities],
    conditions: expressed.conditions,
  };
  return {
    asked: new Filter(parts.equalities, parts.conditions),
    parts,
    mayHave: null,
    wants: (record) =>
      used.every((part) => holds(part, record)) && (!isExpressed || holdsFor(record)),
    losesKeys: used.some(({ field }) => field !== 'key') || (isExpressed && !isTextOfKey),
    mayWantKeyOf: (record) =>
      used.every((part) => part.field !== 'key' || holds(part, record)) &&
      (!isExpressed || !isTextOfKey || holdsFor(record)),
  };
}

/** An expression, and when it holds. */
export type Expressed = readonly [text: string, holds: (record: KafkaRecord) => boolean];

const OF_KEY: readonly Expressed[] = [
  ['partition == 0', ({ partition }) => partition === 0],
  ['partition in [1, 2]', ({ partition }) => partition === 1 || partition === 2],
  ['key.startsWith("k1")', ({ key }) => key !== null && /^k1/.test(`${key}`)],
  ['key == null || partition > 0', ({ key, partition }) => key === null || partition > 0],
];
export const BEYOND_KEY: readonly Expressed[] = [
  ['offset < 20 || partition == 1', ({ offset, partition }) => offset < 20 || partition === 1],
  ['timestamp > 1700000005000', ({ timestamp }) => timestamp > 1_700_000_005_000],
  ['has(headers.etag)', ({ headers }) => headers.some(([name]) => name === 'etag')],
  ['headers.kind != "a"', ({ headers }) => (kindOf(headers) ?? 'a') !== 'a'],
  ['offset == -1', () => false],
  ['value.of.kind == "a"', (record) => kindIn(record) === 'a'],
  ['value.of.kind in ["b", 1]', (record) => kindIn(record) === 'b' || kindIn(record) === 1],
  [
    'value.of.kind == "1" && value.size > 2',
    (record) => kindIn(record) === '1' && sizeIn(record) > 2,
  ],
  ['null == value["of"].kind', (record) => kindIn(record) === null],
  ['value.size >= 4 || value == null', (record) => record.value === null || sizeIn(record) >= 4],
  ['!(value.of.kind == "a")', (record) => ['b', '1', null].includes(kindIn(record) as string)],
];

interface Content {
  readonly of?: { readonly kind?: unknown };
  readonly size?: number;
}

/** Each client asks of each record, some of them often. */
const contents = new WeakMap<KafkaRecord, Content>();

function contentOf(record: KafkaRecord): Content {
  const known = contents.get(record);
  if (known !== undefined) return known;
  const content = jsonOf(record.value ?? NOT_UTF8);
  contents.set(record, content);
  return content;
}

/** What a value is as JSON; empty where it is none. */
function jsonOf(value: Uint8Array): Content {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(value);
    return JSON.parse(text) as Content;
  } catch {
    return {};
  }
}

export const kindIn = (record: KafkaRecord): unknown => contentOf(record).of?.kind;
const sizeIn = (record: KafkaRecord): number => contentOf(record).size ?? Number.NaN;

/** That of the last header `kind`; `null` where there is none. */
export function kindOf(headers: KafkaRecord['headers']): string | null {
  const last = headers.filter(([name]) => name === 'kind').at(-1);
  return last === undefined ? null : Buffer.from(last[1] ?? []).toString();
}

const NOT_UTF8 = Uint8Array.of(0xff, 0x00, 0xc3, 0x28, 0x0a, 0x20);

function holds({ field, values }: Part, { key, headers }: KafkaRecord): boolean {
  if (field === 'key') return key !== null && values.some((value) => isSame(value, key));
  const last = headers.filter(([name]) => name === 'kind').at(-1);
  if (last === undefined) return false;
  return values.some((value) => isSame(value, last[1] ?? new Uint8Array(0)));
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
