import type { Log, LogEnd } from '../log/log.ts';
import { idFrame } from '../wire/frame.ts';
import { gapFrame } from '../wire/gap.ts';
import { extended, type Place } from '../wire/place.ts';
import { Alignment } from './alignment.ts';
import type { Client } from './client.ts';
import { History } from './history.ts';
import { Opening } from './opening.ts';
import { Selected } from './selected.ts';
import { Shared } from './shared.ts';
import type { First, Step } from './step.ts';
import type { Stretch } from './stretch.ts';

/** A stretch, and the block that the client gets before it. */
interface Next {
  readonly stretch: Stretch;
  readonly first: Uint8Array | null;
}

/** The stretch on which a client goes on. */
export function follow(client: Client, step: Step): Next {
  if ('open' in step) {
    client.isOpening();
    return { stretch: new Opening(client, step.open), first: null };
  }
  if ('share' in step) {
    const place = placeOf(step.share);
    const first = firstBlock(client, step.share.log, step.first, place);
    // What waits for a beat is late because its client wants it so: it tells nothing of the gateway.
    const liveFrom = client.view.pace === null ? step.liveFrom : Number.POSITIVE_INFINITY;
    return { stretch: share(client, step.share, liveFrom, place), first };
  }
  const gap =
    step.first === 'place' ? null : firstBlock(client, step.resume, step.first, step.place);
  const stretch = resume(client, step.resume, step.place);
  // The place alone is told as the stretch has it, past what was superseded.
  return { stretch, first: gap ?? firstBlock(client, step.resume, step.first, stretch.place()!) };
}

function firstBlock(client: Client, log: Log, first: First, place: Place): Uint8Array | null {
  if (first === null) return null;
  const time = client.timeOn(log);
  client.gotPlace(time);
  if (first === 'place') return idFrame(place, time);
  client.topic.traffic.sendGap(first.reason);
  return gapFrame(first, place, time);
}

function placeOf({ log, positions }: LogEnd): Place {
  return { topicId: log.topicId, positions, unknown: [] };
}

function share(client: Client, { log, seq }: LogEnd, liveFrom: number, place: Place): Stretch {
  const { filter } = client.view;
  if (log.locate(seq) !== null) {
    if (filter === null) return new Shared(client, log, seq, liveFrom);
    return new Selected(client, log, filter, seq, liveFrom);
  }
  // It has left memory before the client took anything.
  return resume(client, log, place);
}

/**
 * One synchronous check: whoever has everything below the log's memory goes on from memory,
 * whatever happened to the log until now.
 */
function resume(client: Client, log: Log, place: Place): Stretch {
  const known = withAddedPartitions(log, place);
  return log.covers(known.positions)
    ? new Alignment(client, log, known)
    : new History(client, log, known);
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
