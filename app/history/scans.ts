import { LIVE } from '../log/columns.ts';
import type { Log } from '../log/log.ts';
import type { Segment } from '../log/segment.ts';
import type { Filter } from '../views/filter.ts';
import { FilterIndex, type FilterTally } from '../views/filter_index.ts';
import { RecordFacts } from '../views/record_facts.ts';
import { coversAll, distance, type Positions } from '../wire/place.ts';
import type { Block } from './block_cache.ts';
import { type HistoryPool, Waiter } from './history_pool.ts';

/** A crowd comes within seconds: a scan begins once nobody came for so long, */
const GATHER_MS = 100;
/** but waits no longer for more than this. */
const MAX_GATHER_MS = 3000;
/** Who lacks less than others waits for a scan that has so many offsets more to read, and this part of its own. */
const NEAR_OFFSETS = 10_000;
const NEAR_PART = 1 / 4;

/** By which filters work. */
interface Turns {
  readonly isOver: boolean;
  spend(records: number): void;
  wait(client: { wake(): void }): void;
}

/** A client with a filter that lies below memory. */
export class Rider {
  readonly filter: Filter;
  /** Where it is, which `Scans.catchUp` moves on. */
  readonly positions: Positions;
  readonly wake: () => void;
  /** Of this block */
  block: Block | null = null;
  /** these rows are for it, and it has not had them yet. */
  rows: number[] = [];
  scan: Scan | null = null;
  /** Whether its scan has moved it, set back by whoever knows. */
  hasMoved = false;

  /** Whether a scan may look up records for it: it must not cost others more than that. */
  static mayHave({ equalities, looksAtValue }: Filter): boolean {
    return equalities.length > 0 && !looksAtValue;
  }

  constructor(filter: Filter, positions: Positions, wake: () => void) {
    this.filter = filter;
    this.positions = positions;
    this.wake = wake;
  }
}

/**
 * Reads what clients with filters lack below memory once for all of them: each record that is read back is
 * looked up as one that comes is, and wakes those alone that want it. A gateway that was started again has
 * ten thousand of them within seconds, each of which wants a few records of all that it missed.
 */
export class Scans {
  readonly #log: Log;
  readonly #pool: HistoryPool;
  readonly #turns: Turns;
  readonly #tally: FilterTally;
  readonly #scans = new Set<Scan>();
  readonly #gathered = new Set<Rider>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** When the first of those came, and the last, in milliseconds of `performance.now()`. */
  #firstAt = 0;
  #lastAt = 0;

  constructor(log: Log, pool: HistoryPool, turns: Turns, tally: FilterTally) {
    this.#log = log;
    this.#pool = pool;
    this.#turns = turns;
    this.#tally = tally;
  }

  /** Wakes it once there is something for it, it has nothing to wait for any more, or it has to go on by itself. */
  join(rider: Rider): void {
    if (rider.scan !== null || this.#gathered.has(rider)) return;
    for (const scan of this.#scans) {
      if (!scan.takes(rider)) continue;
      scan.add(rider);
      return;
    }
    const now = performance.now();
    if (this.#gathered.size === 0) this.#firstAt = now;
    this.#lastAt = now;
    this.#gathered.add(rider);
    this.#timer ??= setTimeout(() => this.#gather(), GATHER_MS);
  }

  /** Moves it on to where its scan is. */
  catchUp(rider: Rider): void {
    if (rider.scan !== null && rider.block === null) rider.scan.catchUp(rider);
  }

  leave(rider: Rider): void {
    this.#gathered.delete(rider);
    rider.scan?.delete(rider);
  }

  #gather(): void {
    const now = performance.now();
    const isGathering = now - this.#lastAt < GATHER_MS && now - this.#firstAt < MAX_GATHER_MS;
    this.#timer = isGathering ? setTimeout(() => this.#gather(), GATHER_MS) : undefined;
    if (!isGathering) this.#begin();
  }

  /** Those who lack the most first: others ride with them unless that takes them much longer. */
  #begin(): void {
    const left = ({ positions }: Rider): number => distance(positions, this.#log.start);
    const riders = [...this.#gathered].sort((a, b) => left(b) - left(a));
    this.#gathered.clear();
    let crowd: Rider[] = [];
    for (const rider of riders) {
      if (crowd.length > 0 && !isNear(left(crowd[0]!), left(rider))) {
        this.#start(crowd);
        crowd = [];
      }
      crowd.push(rider);
    }
    if (crowd.length > 0) this.#start(crowd);
  }

  #start(riders: readonly Rider[]): void {
    const start = riders[0]!.positions.slice();
    for (const { positions } of riders) {
      for (let partition = 0; partition < start.length; partition++) {
        start[partition] = Math.min(start[partition]!, positions[partition]!);
      }
    }
    const scan: Scan = new Scan(start, this.#log, this.#pool, this.#turns, this.#tally, () => {
      this.#scans.delete(scan);
    });
    this.#scans.add(scan);
    for (const rider of riders) scan.add(rider);
    scan.goOn();
  }
}

/** Clients that want the same. */
interface Group {
  readonly filter: Filter;
  readonly riders: Set<Rider>;
}

/** One read of what some clients lack. */
class Scan {
  /** Everybody has been given what lies below, as far as it lacked it. */
  readonly #positions: Positions;
  readonly #log: Log;
  readonly #pool: HistoryPool;
  readonly #turns: Turns;
  readonly #onEnd: () => void;
  readonly #waiter = new Waiter(() => this.goOn());
  readonly #riders = new Set<Rider>();
  readonly #groups = new Map<string, Group>();
  readonly #index: FilterIndex<Group>;
  #isOver = false;

  constructor(
    positions: Positions,
    log: Log,
    pool: HistoryPool,
    turns: Turns,
    tally: FilterTally,
    onEnd: () => void,
  ) {
    this.#positions = positions;
    this.#log = log;
    this.#pool = pool;
    this.#turns = turns;
    this.#index = new FilterIndex(tally);
    this.#onEnd = onEnd;
  }

  /** Whether it has not passed anything that a client lacks, and will soon be where that is. */
  takes({ positions }: Rider): boolean {
    const { start } = this.#log;
    // It knows nothing of partitions that were added since.
    if (positions.length > this.#positions.length) return false;
    if (!coversAll(positions, this.#positions)) return false;
    return isNear(distance(this.#positions, start), distance(positions, start));
  }

  add(rider: Rider): void {
    rider.scan = this;
    this.#riders.add(rider);
    const { filter } = rider;
    let group = this.#groups.get(filter.name);
    if (group === undefined) {
      group = { filter, riders: new Set() };
      this.#groups.set(filter.name, group);
      this.#index.add(filter, group);
    }
    group.riders.add(rider);
  }

  delete(rider: Rider): void {
    rider.scan = null;
    rider.block = null;
    rider.rows = [];
    this.#riders.delete(rider);
    const group = this.#groups.get(rider.filter.name)!;
    group.riders.delete(rider);
    if (group.riders.size === 0) {
      this.#groups.delete(group.filter.name);
      this.#index.delete(group.filter, group);
    }
    if (this.#riders.size === 0) this.#end();
  }

  catchUp(rider: Rider): void {
    const { positions } = rider;
    for (let partition = 0; partition < positions.length; partition++) {
      if (positions[partition]! >= this.#positions[partition]!) continue;
      positions[partition] = this.#positions[partition]!;
      rider.hasMoved = true;
    }
  }

  goOn(): void {
    while (!this.#isOver) {
      const { start, successor } = this.#log;
      if (successor !== null || start.length > this.#positions.length) break;
      if (this.#turns.isOver) {
        this.#turns.wait({ wake: () => this.goOn() });
        return;
      }
      const lacking = new Map<number, number>();
      let block: Block | null = null;
      for (let partition = 0; partition < start.length && block === null; partition++) {
        const next = this.#positions[partition]!;
        if (next >= start[partition]!) continue;
        block = this.#pool.blocks.find(partition, next);
        if (block === null) lacking.set(partition, next);
      }
      if (block !== null && block.segment !== null) this.#pass(block, block.segment);
      else if (block === null && lacking.size > 0) {
        this.#pool.want(this.#waiter, lacking);
        return;
      } else break;
    }
    this.#letAllGo();
  }

  /** What was lost is told by each of them itself. */
  #letAllGo(): void {
    const riders = [...this.#riders];
    for (const rider of riders) {
      this.catchUp(rider);
      this.delete(rider);
    }
    this.#end();
    for (const rider of riders) rider.wake();
  }

  #pass(block: Block, segment: Segment): void {
    const { partition, next } = block;
    const from = this.#positions[partition]!;
    const found = new Set<Rider>();
    this.#turns.spend(segment.count);
    for (let at = 0; at < segment.count; at++) {
      const offset = segment.offsets[at]!;
      if (offset < from || segment.states[at] !== LIVE) continue;
      this.#index.find(new RecordFacts(segment.record(at), segment.values), {
        match: ({ riders }) => {
          for (const rider of riders) {
            if (offset < rider.positions[partition]!) continue;
            found.add(rider);
            rider.rows.push(at);
          }
        },
        // Of filters that are looked up, and not by values, there are neither.
        unread: () => {},
        later: () => {},
      });
    }
    for (const rider of found) {
      this.catchUp(rider);
      rider.block = block;
    }
    this.#positions[partition] = next;
    for (const rider of found) rider.wake();
    // Who does not take it at once goes on by itself, from where it is: nobody waits for it.
    for (const rider of found) if (rider.scan === this && rider.block !== null) this.delete(rider);
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#pool.leave(this.#waiter);
    this.#onEnd();
  }
}

function isNear(most: number, own: number): boolean {
  return most <= own * (1 + NEAR_PART) + NEAR_OFFSETS;
}
