import { parseTemplate } from '../../app/expressions/expression.ts';
import type { KafkaRecord } from '../../app/ports/source.ts';
import { type Condition, Filter } from '../../app/views/filter.ts';
import { filterParts, RECORD_NAMES } from '../../app/views/filter_parts.ts';
import {
  BEYOND_KEY,
  type ClientFilter,
  type Expressed,
  kindIn,
  kindOf,
  type OwnFilter,
} from './client_filter.ts';
import type { Random } from './random.ts';

/** What a stream of the streams file lets through to one of its clients. */
export interface StreamGuard {
  readonly filter: Filter;
  readonly conditions: readonly Condition[];
  /** By the contract alone. */
  holds(record: KafkaRecord): boolean;
}

/** What one stream lets through, and what it does once the file has changed. */
export interface GuardedStream {
  readonly before: StreamGuard;
  /** `null`: the same. */
  readonly after: StreamGuard | null;
  /** Whether it differs from client to client in constants alone: else it is known once somebody has it. */
  readonly isKept: boolean;
}

/** The streams file of all replicas. */
export class StreamsFile {
  readonly streams: readonly GuardedStream[];
  /** When it has changed, Unix milliseconds; 0: it has not. */
  changedAt = 0;

  constructor(random: Random, changes: boolean) {
    this.streams = Array.from({ length: 3 }, () => ({
      before: randomGuard(random),
      after: changes && random.chance(0.7) ? randomGuard(random) : null,
      isKept: random.chance(0.7),
    }));
  }

  /** What a stream lets through now, and since when it has done so. */
  guardOf({ before, after }: GuardedStream): {
    readonly guard: StreamGuard;
    readonly since: number;
  } {
    const isChanged = after !== null && this.changedAt > 0;
    return isChanged ? { guard: after, since: this.changedAt } : { guard: before, since: 0 };
  }

  /** Those that a gateway knows without a client. */
  get kept(): Filter[] {
    const kept = this.streams.filter(({ isKept }) => isKept);
    return kept.map((stream) => this.guardOf(stream).guard.filter);
  }
}

const EQUALITIES: readonly Expressed[] = ['a', 'b', '1'].flatMap((kind) => {
  const [inHeader, inValue] = [`headers.kind == "${kind}"`, `value.of.kind == "${kind}"`];
  return [
    [inHeader, ({ headers }: KafkaRecord) => kindOf(headers) === kind],
    [inValue, (record: KafkaRecord) => kindIn(record) === kind],
  ] as Expressed[];
});

function randomGuard(random: Random): StreamGuard {
  const parts: Expressed[] = [];
  if (random.chance(0.8)) parts.push(random.pick(EQUALITIES));
  if (parts.length === 0 || random.chance(0.3)) parts.push(random.pick(BEYOND_KEY));
  const text = parts.map(([one]) => `(${one})`).join(' && ');
  const { equalities, conditions } = filterParts(
    parseTemplate(text, RECORD_NAMES, new Set()).given({}),
  );
  return {
    filter: new Filter(equalities, conditions),
    conditions,
    holds: (record) => parts.every(([, holds]) => holds(record)),
  };
}

/**
 * What a client gets of a stream.
 * @param own `null`: it asks for nothing itself
 * @param since when the stream began to let that through, Unix milliseconds
 */
export function throughGuard(
  own: OwnFilter | null,
  guard: StreamGuard,
  since: number,
): ClientFilter {
  const equalities = [...(own?.parts.equalities ?? []), ...guard.filter.equalities];
  const conditions = [...(own?.parts.conditions ?? []), ...guard.conditions];
  return {
    asked: new Filter(equalities, conditions, guard.filter, since),
    wants: (record) => guard.holds(record) && (own?.wants(record) ?? true),
    losesKeys: true,
    mayWantKeyOf: (record) => own?.mayWantKeyOf(record) ?? true,
    mayHave: guard.holds,
  };
}
