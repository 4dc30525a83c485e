import { Alignment } from './alignment.ts';
import { extended } from './cursor.ts';
import { History } from './history.ts';
import type { Log } from './log.ts';
import type { Place, Route, Stretch } from './stretch.ts';

/**
 * The stretch that continues at a place. One synchronous check: whoever has everything below the
 * log's memory goes on from memory, whatever happened to the log until now.
 *
 * @param untouched 1 for each partition while a new client has had nothing at all: what was deleted
 * there before is no loss to it. Updated as it goes on.
 */
export function resume(
  route: Route,
  log: Log,
  place: Place,
  untouched: Uint8Array = new Uint8Array(0),
): Stretch {
  const known = withAddedPartitions(log, place);
  const all = untouchedOfAll(known, place, untouched);
  return log.covers(known.positions)
    ? new Alignment(route, log, known, all)
    : new History(route, log, known, all);
}

/** A partition that was added goes on where the client's cursor says, else from its beginning. */
function withAddedPartitions(log: Log, { topicId, positions, unknown }: Place): Place {
  const partitions = log.start.length;
  return {
    topicId,
    positions: extended(positions, partitions, unknown),
    unknown: unknown.filter(([partition]) => partition >= partitions),
  };
}

function untouchedOfAll({ positions }: Place, before: Place, untouched: Uint8Array): Uint8Array {
  if (positions.length === before.positions.length) return untouched;
  const all = new Uint8Array(positions.length).fill(1, before.positions.length);
  for (const [partition] of before.unknown) all[partition] = 0;
  all.set(untouched);
  return all;
}
