import { LIVE } from '../log/columns.ts';
import { RECORD_WORK } from '../log/facts.ts';
import type { Log } from '../log/log.ts';
import type { Segment } from '../log/segment.ts';
import type { Filter } from '../views/filter.ts';
import { FilterIndex, type FilterTally } from '../views/filter_index.ts';
import { RecordFacts, workDone } from '../views/record_facts.ts';
import { coversAll, distance, type Positions } from '../wire/place.ts';
import { type Block, dropSuperseded, rowFrom } from './block_cache.ts';
import { type HistoryPool, Waiter } from './history_pool.ts';

/** A crowd comes within seconds: a scan begins once nobody came for so long, */
const GATHER_MS = 100;
/** but waits no longer for more than this, */
const MAX_GATHER_MS = 3000;
/**
 * and for this where they come as a crowd: whoever comes once it has begun lacks what it has passed, and all of that
 * is read again. Of those who came between two looks, and a share of those before, there are so many in a crowd:
 * it may pause for a moment.
 */
const MAX_CROWD_MS = 8000;
const CROWD = 5;
const SHARE_OF_BEFORE = 1 / 2;
/** Who lacks less than others waits for a scan that has so many offsets more to read, and this part of its own. */
const NEAR_OFFSETS = 10_000;
const NEAR_PART = 1 / 4;
/** To give a client what was found for it takes as long as to look at so many records, */
const FOUND_RECORDS = 25;
/** and to take one in as long as to look at so many. */
const ADDED_RECORDS = 2;
/** So many shapes are looked up in the time in which one record is looked at. */
const SHAPES_A_RECORD = 2;

/** By which filters work. */
interface Turns {
  readonly isOver: boolean;
  spend(records: number): void;
  wait(client: { wake(): void }): void;
}

/** A row that is for a client, of which it cannot be told, or at which it has to look by itself. */
export interface FoundRow {
  readonly at: number;
  readonly told: 'record' | 'unread' | 'look';
}

/** What a scan has found for a client that it has not had yet. */
interface Found {
  readonly block: Block;
  readonly rows: FoundRow[];
  /** Where it is in the block's partition once it has them. */
  readonly past: number;
}

/** A client with a filter that lies below memory. */
export class Rider {
  readonly filter: Filter;
  /** Where it is, which `Scans.catchUp` moves on. */
  readonly positions: Positions;
  /**
   * From here on it has to look at what it passes by itself: something of what it has may leave there;
   * `null` for nowhere.
   */
  readonly keepsFrom: Positions | null;
  readonly wake: () => void;
  found: Found | null = null;
  scan: Scan | null = null;
  /** Whether its scan has moved it, set back by whoever knows. */
  hasMoved = false;
  /** Whether its last scan has left it where it is: what is read back already it looks at by itself. */
  wasLeft = false;

  constructor(filter: Filter, positions: Positions, keepsFrom: Positions | null, wake: () => void) {
    this.filter = filter;
    this.positions = positions;
    this.keepsFrom = keepsFrom;
    this.wake = wake;
  }

  /** Whether it is not to look at anything by itself before it has ridden: it would have to look at all. */
  get ridesFirst(): boolean {
    const { equalities, looksAtValue } = this.filter;
    return !this.wasLeft && (equalities.length === 0 || looksAtValue);
  }

  /** Whether a scan may pass everything below `start` for it. */
  mayRideTo(start: Positions): boolean {
    const { keepsFrom, positions } = this;
    if (keepsFrom === null) return true;
    return start.every(
      (end, partition) => end <= Math.max(keepsFrom[partition] ?? 0, positions[partition]!),
    );
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
  /** Those whose scan is about to begin. */
  readonly #starting = new Set<Rider>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** When the first of those came, and the last, in milliseconds of `performance.now()`. */
  #firstAt = 0;
  #lastAt = 0;
  /** How many had come when it was looked last, and of these those who count as a crowd. */
  #sizeBefore = 0;
  #crowd = 0;

  constructor(log: Log, pool: HistoryPool, turns: Turns, tally: FilterTally) {
    this.#log = log;
    this.#pool = pool;
    this.#turns = turns;
    this.#tally = tally;
  }

  /**
   * Wakes it once there is something for it, it has nothing to wait for any more, or it has to go on by itself.
   * @returns false where it has to read for itself
   */
  join(rider: Rider): boolean {
    if (rider.scan !== null || this.#gathered.has(rider) || this.#starting.has(rider)) return true;
    if (!rider.mayRideTo(this.#log.start)) return false;
    rider.wasLeft = false;
    for (const scan of this.#scans) {
      if (!scan.takes(rider)) continue;
      scan.add(rider);
      return true;
    }
    const now = performance.now();
    if (this.#gathered.size === 0) this.#firstAt = now;
    this.#lastAt = now;
    this.#gathered.add(rider);
    this.#timer ??= setTimeout(() => this.#gather(), GATHER_MS);
    return true;
  }

  /** Moves it on to where its scan is. */
  catchUp(rider: Rider): void {
    if (rider.scan !== null && rider.found === null) rider.scan.catchUp(rider);
  }

  leave(rider: Rider): void {
    this.#gathered.delete(rider);
    this.#starting.delete(rider);
    rider.scan?.delete(rider);
  }

  #gather(): void {
    const now = performance.now();
    const { size } = this.#gathered;
    this.#crowd = this.#crowd * SHARE_OF_BEFORE + Math.max(0, size - this.#sizeBefore);
    this.#sizeBefore = size;
    const waitedMs = now - this.#firstAt;
    const isGathering =
      this.#crowd < CROWD
        ? now - this.#lastAt < GATHER_MS && waitedMs < MAX_GATHER_MS
        : waitedMs < MAX_CROWD_MS;
    this.#timer = isGathering ? setTimeout(() => this.#gather(), GATHER_MS) : undefined;
    if (!isGathering) this.#begin();
  }

  /** Those who lack the most first: others ride with them unless that takes them much longer. */
  #begin(): void {
    const { start } = this.#log;
    const riders = Array.from(this.#gathered, (rider) => ({
      rider,
      left: distance(rider.positions, start),
    })).sort((a, b) => b.left - a.left);
    this.#gathered.clear();
    this.#sizeBefore = 0;
    this.#crowd = 0;
    let most = 0;
    let crowd: Rider[] = [];
    for (const { rider, left } of riders) {
      if (crowd.length > 0 && !isNear(most, left)) {
        this.#start(crowd);
        crowd = [];
      }
      if (crowd.length === 0) most = left;
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
    for (const rider of riders) this.#starting.add(rider);
    this.#addByTurns(scan, riders.values());
  }

  #addByTurns(scan: Scan, riders: Iterator<Rider>): void {
    while (!this.#turns.isOver) {
      const { done, value: rider } = riders.next();
      if (done === true) {
        scan.begin();
        return;
      }
      // It may have left.
      if (!this.#starting.delete(rider)) continue;
      this.#turns.spend(ADDED_RECORDS);
      scan.add(rider);
    }
    this.#turns.wait({ wake: () => this.#addByTurns(scan, riders) });
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
  /** By partition: none of them looks at anything by itself below. */
  readonly #keepsFrom: Positions;
  #hasBegun = false;
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
    this.#keepsFrom = positions.map(() => Number.POSITIVE_INFINITY);
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
    this.#noteLimit(rider);
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
    rider.found = null;
    this.#riders.delete(rider);
    const group = this.#groups.get(rider.filter.name)!;
    group.riders.delete(rider);
    if (group.riders.size === 0) {
      this.#groups.delete(group.filter.name);
      this.#index.delete(group.filter, group);
    }
    if (this.#hasBegun && this.#riders.size === 0) this.#end();
  }

  /** All are there who have waited for it. */
  begin(): void {
    this.#hasBegun = true;
    if (this.#riders.size === 0) this.#end();
    else this.goOn();
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
    this.#end();
    this.#wakeByTurns(this.#leaving());
  }

  *#leaving(): Generator<Rider, void> {
    for (const rider of this.#riders) {
      this.catchUp(rider);
      this.#leave(rider);
      yield rider;
    }
  }

  /** They go on by themselves from where it is. */
  #letGo(riders: readonly Rider[]): void {
    for (const rider of riders) {
      this.catchUp(rider);
      this.#leave(rider);
    }
    this.#wakeByTurns(riders.values());
  }

  /** A crowd that has all would hold up everybody for a tenth of a second. */
  #wakeByTurns(riders: Iterator<Rider>): void {
    while (!this.#turns.isOver) {
      const { done, value: rider } = riders.next();
      if (done === true) return;
      this.#turns.spend(FOUND_RECORDS);
      rider.wake();
    }
    this.#turns.wait({ wake: () => this.#wakeByTurns(riders) });
  }

  #leave(rider: Rider): void {
    rider.wasLeft = true;
    this.delete(rider);
  }

  #noteLimit({ keepsFrom }: Rider): void {
    if (keepsFrom === null) return;
    const limits = this.#keepsFrom;
    for (let partition = 0; partition < limits.length; partition++) {
      limits[partition] = Math.min(limits[partition]!, keepsFrom[partition] ?? 0);
    }
  }

  /** Lets those go who have to look by themselves before `next`. */
  #keepLimits(partition: number, next: number): void {
    if (next <= this.#keepsFrom[partition]!) return;
    const riders = [...this.#riders];
    this.#keepsFrom.fill(Number.POSITIVE_INFINITY);
    const isBeyond = ({ keepsFrom, positions }: Rider): boolean =>
      keepsFrom !== null && next > Math.max(keepsFrom[partition] ?? 0, positions[partition]!);
    for (const rider of riders) if (!isBeyond(rider)) this.#noteLimit(rider);
    this.#letGo(riders.filter(isBeyond));
  }

  /** Gives its riders what is for them in a block, or in as much of it as may be looked at now. */
  #pass(block: Block, segment: Segment): void {
    const { partition } = block;
    this.#keepLimits(partition, block.next);
    if (this.#isOver) return;
    dropSuperseded(this.#log, block, segment);
    const found = new Map<Rider, FoundRow[]>();
    let at = rowFrom(segment, this.#positions[partition]!);
    const finds =
      (told: FoundRow['told']) =>
      ({ riders }: Group): void => {
        for (const rider of riders) {
          if (segment.offsets[at]! < rider.positions[partition]!) continue;
          const rows = found.get(rider);
          if (rows !== undefined) rows.push({ at, told });
          else {
            found.set(rider, [{ at, told }]);
            this.#turns.spend(FOUND_RECORDS);
          }
        }
      };
    const told = { match: finds('record'), unread: finds('unread'), later: finds('look') };
    for (; at < segment.count && !this.#turns.isOver; at++) {
      if (segment.states[at] === LIVE) this.#look(segment, at, told);
    }
    const past = at < segment.count ? segment.offsets[at]! : block.next;
    for (const [rider, rows] of found) {
      this.catchUp(rider);
      rider.found = { block, rows, past };
    }
    this.#positions[partition] = past;
    for (const rider of found.keys()) rider.wake();
    // Who does not take it at once goes on by itself, from where it is: nobody waits for it.
    for (const rider of found.keys()) {
      if (rider.scan === this && rider.found !== null) this.#leave(rider);
    }
  }

  #look(segment: Segment, at: number, told: Parameters<FilterIndex<Group>['find']>[1]): void {
    const before = workDone();
    this.#index.find(new RecordFacts(segment.record(at), segment.values), told);
    const work = (workDone() - before) / RECORD_WORK;
    this.#turns.spend(1 + this.#index.shapes / SHAPES_A_RECORD + work);
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
