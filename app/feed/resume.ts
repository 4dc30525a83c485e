import { Alignment } from './alignment.ts';
import type { Positions } from './cursor.ts';
import { History } from './history.ts';
import type { Log } from './log.ts';
import type { Place, Route, Stretch } from './stretch.ts';

/**
 * The stretch that continues at a place. One synchronous check: whoever has everything below the
 * log's memory goes on from memory, whatever happened to the log until now.
 *
 * @param beginning where a new client began: what is deleted there before it has anything of a
 * partition is no loss to it
 */
export function resume(
  route: Route,
  log: Log,
  place: Place,
  beginning: Positions = new Float64Array(0),
): Stretch {
  return log.covers(place.positions)
    ? new Alignment(route, log, place, beginning)
    : new History(route, log, place, beginning);
}
