import type { FilterTally } from '../views/filter_index.ts';
import { GAP_REASONS, type GapReason } from '../wire/gap.ts';
import { zeros } from './counters.ts';
import { DeliveryTimes } from './delivery_times.ts';

/** What was handed to a client at once. */
export interface HandedOver {
  /** Blocks that a browser makes an event of. */
  readonly events: number;
  /** Of them, gaps by retention. */
  readonly gaps: number;
  /** Of them, gaps for want of a schema. */
  readonly unread?: number;
}

/** Something that was handed over, to be counted for each who gets it. */
export interface Note {
  readonly events: number;
  /** Blocks of live records, and whose they are; left out: something else. */
  readonly live?: readonly [traffic: Traffic, slice: HandedOverLive];
  count(): void;
}

/** The same, of blocks in memory. */
export interface HandedOverLive extends HandedOver {
  /** Of the records, -1 where there is none. */
  readonly timestamps: Float64Array;
}

/**
 * What a topic and its clients have moved, counted where it happens and read when somebody asks
 * for the metrics. Plain fields, and one call for a client and slice, which takes 40 ns, 36 of them
 * to ask for the time (measured): prom-client's counter takes 80 a call, its histogram 190 a record.
 */
export class Traffic {
  /** Read by the feed, each once. */
  recordsRead = 0;
  /** Read back from Kafka for clients below memory. */
  recordsReadBack = 0;
  /** Blocks that a browser makes an event of: records, deletes, gaps, `live`, `place`, `stale`, `fresh`. */
  eventsSent = 0;
  /** Bytes of response bodies. */
  bytesSent = 0;
  /** The same before they were compressed. */
  plainBytesSent = 0;
  readonly gapsSent: Record<GapReason, number> = zeros(GAP_REASONS);
  /** What filters made of records. */
  readonly filterRecords: FilterTally = { match: 0, skip: 0, error: 0 };
  readonly deliveryTimes: DeliveryTimes = new DeliveryTimes();
  /** While it is set nothing is counted, but noted there. */
  notes: Note[] | null = null;

  /** @param isLive whether all of it came after the client had everything before it */
  sendSlice(slice: HandedOverLive, isLive: boolean): void {
    if (this.notes !== null) {
      this.notes.push(this.#noteOf(slice, isLive));
      return;
    }
    this.send(slice);
    if (isLive) this.deliveryTimes.add(slice.timestamps, Date.now());
  }

  send(handed: HandedOver): void {
    if (this.notes !== null) {
      this.notes.push({ events: handed.events, count: () => this.send(handed) });
      return;
    }
    const { events, gaps, unread = 0 } = handed;
    this.eventsSent += events;
    this.gapsSent.retention += gaps;
    this.gapsSent.unread += unread;
  }

  sendGap(reason: GapReason): void {
    if (this.notes !== null) {
      this.notes.push({ events: 1, count: () => this.sendGap(reason) });
      return;
    }
    this.eventsSent++;
    this.gapsSent[reason]++;
  }

  #noteOf(slice: HandedOverLive, isLive: boolean): Note {
    const count = (): void => this.sendSlice(slice, isLive);
    return { events: slice.events, count, ...(isLive ? { live: [this, slice] } : {}) };
  }

  /** The same in fewer notes: the live records of a topic become one. */
  static joined(notes: readonly Note[]): readonly Note[] {
    const slices = new Map<Traffic, HandedOverLive[]>();
    const others: Note[] = [];
    for (const note of notes) {
      if (note.live === undefined) {
        others.push(note);
        continue;
      }
      const [traffic, slice] = note.live;
      const some = slices.get(traffic);
      if (some === undefined) slices.set(traffic, [slice]);
      else some.push(slice);
    }
    const live = [...slices].map(([traffic, some]) => traffic.#noteOf(joinedSlice(some), true));
    return [...others, ...live];
  }
}

function joinedSlice(slices: readonly HandedOverLive[]): HandedOverLive {
  if (slices.length === 1) return slices[0]!;
  const sum = (count: (one: HandedOverLive) => number): number =>
    slices.reduce((all, one) => all + count(one), 0);
  return {
    events: sum(({ events }) => events),
    gaps: sum(({ gaps }) => gaps),
    unread: sum(({ unread = 0 }) => unread),
    timestamps: Float64Array.from(slices.flatMap(({ timestamps }) => [...timestamps])),
  };
}
