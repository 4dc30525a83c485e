import type { Random } from '../model/random.ts';
import type { Format } from './delivery.ts';
import type { Produced, ProducedTopic } from './produced.ts';
import { KEYS, KINDS, kindOf, numberOf } from './values.ts';

/** What a client chose of a topic. */
export interface Filter {
  readonly query: readonly (readonly [name: string, value: string])[];
  /** Whether it asked for a record: told from the producer's account alone. */
  wants(record: Produced): boolean;
}

const MAX_KEYS = 30;
/** Of the conditions that a gateway has to work out for each record there are few: it takes 200. */
const OFFSETS = [10, 100, 1000] as const;

type Make = (random: Random, topic: ProducedTopic) => Filter;

const byKey: Make = (random, topic) => ofKeys([anyKey(random, topic)]);

const byKeys: Make = (random, topic) =>
  ofKeys(Array.from({ length: random.between(2, MAX_KEYS) }, () => anyKey(random, topic)));

const byPartition: Make = (random) => {
  const chosen = random.between(0, 2);
  return where(`partition == ${chosen}`, ({ partition }) => partition === chosen);
};

/** An error, as a key that is not there makes one, gives way to what is true beside it. */
const byStartOfKey: Make = (random) => {
  const start = `k${random.between(1, 9)}`;
  return random.chance(0.5)
    ? where(`key.startsWith("${start}")`, ({ key }) => key?.startsWith(start) === true)
    : where(
        `key.startsWith("${start}") || key == null`,
        ({ key }) => key === null || key.startsWith(start),
      );
};

const byHeader: Make = (random) => {
  const [one, other] = [random.pick(KINDS), random.pick(KINDS)];
  return {
    query: [one, other].map((kind) => ['header.kind', kind] as const),
    wants: ({ serial }) => [one, other].includes(kindOf(serial) as (typeof KINDS)[number]),
  };
};

const byAll: Make = (random, topic) => {
  const [keys, kinds, offset] = [
    byKeys(random, topic),
    byHeader(random, topic),
    random.pick(OFFSETS),
  ];
  const later = where(`offset >= ${offset}`, (record) => record.offset >= offset);
  const all = [keys, kinds, later];
  return {
    query: all.flatMap(({ query }) => query),
    wants: (record) => all.every(({ wants }) => wants(record)),
  };
};

const byOffset: Make = (random) => {
  const least = random.pick(OFFSETS);
  const kind = random.pick(KINDS);
  return where(
    `offset >= ${least} && headers.kind != "${kind}"`,
    ({ offset, serial }) => offset >= least && kindOf(serial) !== kind,
  );
};

/** Of values that a registry's schemas tell: a delete has none. */
const byValue: Make = (random) => {
  const number = random.between(0, 9);
  return random.chance(0.5)
    ? where(
        `value.n == ${number}`,
        ({ hash, serial }) => hash !== null && numberOf(serial) === number,
      )
    : where(
        `value.n < ${number} || value.text.startsWith("#1")`,
        ({ hash, serial }) =>
          hash !== null && (numberOf(serial) < number || `${serial}`.startsWith('1')),
      );
};

const OF_KEYS = [byKey, byKeys, byPartition, byStartOfKey] as const;
const OF_ALL = [...OF_KEYS, byHeader, byAll, byOffset] as const;
const OF_TYPED = [...OF_ALL, byValue, byValue, byValue] as const;

/**
 * A choice that a gateway takes on such a topic.
 * @param format text does not say of which partition a key has left
 */
export function anyFilter(random: Random, topic: ProducedTopic, format: Format): Filter {
  const all = topic.name === 'typed' ? OF_TYPED : OF_ALL;
  const losesNoKeys = topic.isCompacted && format === 'text';
  return random.pick<Make>(losesNoKeys ? OF_KEYS : all)(random, topic);
}

function ofKeys(keys: readonly string[]): Filter {
  const wanted = new Set<string | null>(keys);
  return {
    query: [...keys].map((key) => ['key', key] as const),
    wants: ({ key }) => wanted.has(key),
  };
}

function where(expression: string, wants: (record: Produced) => boolean): Filter {
  return { query: [['where', expression]], wants };
}

function anyKey(random: Random, topic: ProducedTopic): string {
  const number = random.between(1, KEYS);
  if (!topic.isCompacted || random.chance(0.5)) return `k${number}`;
  return `d${random.between(0, topic.partitions.length - 1)}-${number}`;
}
