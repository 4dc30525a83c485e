import { Alignment } from './alignment.ts';
import { History } from './history.ts';
import type { Log } from './log.ts';
import { extended, type Place } from './place.ts';
import type { Route, Stretch } from './stretch.ts';

/**
 * The stretch that continues at a place. One synchronous check: whoever has everything below the
 * log's memory goes on from memory, whatever happened to the log until now.
 */
export function resume(route: Route, log: Log, place: Place): Stretch {
  const known = withAddedPartitions(log, place);
  return log.covers(known.positions)
    ? new Alignment(route, log, known)
    : new History(route, log, known);
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
