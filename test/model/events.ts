import type { Random } from './random.ts';
import type { Records } from './records.ts';
import type { World } from './world.ts';

/** What may happen in a scenario, and how likely against the rest. */
export interface Weights {
  readonly append: number;
  readonly transaction: number;
  readonly compact: number;
  readonly deleteRecords: number;
  readonly truncate: number;
  readonly addPartition: number;
  readonly makeAnew: number;
  readonly switchPolicy: number;
  readonly faults: number;
  readonly restart: number;
}

/** After a change of policy nothing is deleted from the front for so long. */
const DELETES_AFTER_MS = 20_000;

/** Lets things happen to the topic and the replicas. */
export class Events {
  readonly #world: World;
  readonly #random: Random;
  readonly #records: Records;
  readonly #weights: readonly [name: keyof Weights, weight: number][];
  readonly #maxRecords: number;
  readonly #outageMs: number | null;
  #deletesFrom = 0;
  readonly #disconnect: (replica: World['replicas'][number]) => void;

  constructor(
    world: World,
    random: Random,
    records: Records,
    options: {
      weights: Weights;
      /** Appended at once. */
      maxRecords: number;
      /** Some faults last for longer, and the cleaner comes close to the end; `null`: neither. */
      outageMs: number | null;
      disconnect: (replica: World['replicas'][number]) => void;
    },
  ) {
    this.#world = world;
    this.#random = random;
    this.#records = records;
    this.#weights = Object.entries(options.weights) as [keyof Weights, number][];
    this.#maxRecords = options.maxRecords;
    this.#outageMs = options.outageMs;
    this.#disconnect = options.disconnect;
  }

  /** One of them, at random. Most of them need a topic. */
  happen(): void {
    const name = this.#pick();
    const needsTopic = name !== 'faults' && name !== 'restart';
    if (needsTopic && this.#world.kafka.topic === null) return;
    this[name]();
  }

  append(): void {
    const { kafka, clock } = this.#world;
    const { partitions } = kafka.topic!;
    // Partitions get records in bursts: their offsets differ, and so does what is in memory.
    const favourite = this.#random.between(0, partitions.length - 1);
    const count = this.#random.between(1, this.#maxRecords);
    for (let left = count; left > 0; left--) {
      const number = this.#random.chance(0.6)
        ? favourite
        : this.#random.between(0, partitions.length - 1);
      kafka.append(number, this.#records.next(number, partitions[number]!.end, clock.now), false);
    }
    this.#note(() => `append ${count}: ends ${partitions.map(({ end }) => end).join(' ')}`);
  }

  /** Begins one, or ends the one that is open. */
  transaction(): void {
    const { kafka, clock } = this.#world;
    const [number, partition] = this.#partition();
    if (partition.hasOpenTransaction) {
      const isCommitted = this.#random.chance(0.6);
      partition.endTransaction(isCommitted);
      this.#note(() => `${isCommitted ? 'commit' : 'abort'} in ${number}: end ${partition.end}`);
      kafka.changed();
      return;
    }
    const count = this.#random.between(1, 6);
    for (let left = count; left > 0; left--) {
      kafka.append(number, this.#records.next(number, partition.end, clock.now), true);
    }
    this.#note(() => `begin in ${number}: end ${partition.end}`);
  }

  endTransactions(): void {
    const { kafka } = this.#world;
    for (const partition of kafka.topic?.partitions ?? []) {
      if (partition.hasOpenTransaction) partition.endTransaction(true);
    }
    kafka.changed();
  }

  compact(): void {
    const { kafka, clock } = this.#world;
    if (!kafka.topic!.compacted) return;
    const [number, partition] = this.#partition();
    const isClose = this.#outageMs !== null && this.#random.chance(0.7);
    const least = isClose ? Math.max(partition.start, partition.stableEnd - 12) : partition.start;
    const below = this.#random.between(least, Math.max(0, partition.stableEnd - 1));
    partition.compact(below, clock.now, kafka.topic!.deleteRetentionMs);
    this.#note(() => `compact ${number} below ${below}`);
  }

  deleteRecords(): void {
    const { kafka, clock } = this.#world;
    if (!kafka.topic!.deletes || clock.now < this.#deletesFrom) return;
    const [number, partition] = this.#partition();
    const all = this.#random.chance(0.1);
    const start = all
      ? partition.stableEnd
      : this.#random.between(partition.start, partition.stableEnd);
    partition.deleteBefore(start, clock.now);
    this.#note(() => `delete ${number} before ${start}`);
  }

  truncate(): void {
    const { kafka } = this.#world;
    const [number, partition] = this.#partition();
    if (partition.stableEnd === partition.start) return;
    const least = Math.max(partition.start, partition.stableEnd - 30);
    const end = this.#random.between(least, partition.stableEnd - 1);
    kafka.truncate(number, end);
    this.#note(() => `truncate ${number} to ${end}`);
  }

  addPartition(): void {
    const { kafka } = this.#world;
    if (kafka.topic!.partitions.length >= 7) return;
    kafka.addPartition();
    this.#note(() => `partitions: ${kafka.topic!.partitions.length}`);
  }

  makeAnew(): void {
    const { kafka, clock } = this.#world;
    const { partitions, compacted, deletes, deleteRetentionMs } = kafka.topic!;
    const count = this.#random.chance(0.7) ? partitions.length : this.#random.between(1, 7);
    const create = (): void => {
      if (kafka.topic !== null) return;
      kafka.create({ partitions: count, compacted, deletes, deleteRetentionMs });
      this.#note(() => `made anew with ${count} partitions`);
    };
    kafka.remove();
    this.#note(() => 'deleted');
    if (this.#random.chance(0.5)) create();
    else clock.setTimeout(create, this.#random.next() * 6000);
  }

  switchPolicy(): void {
    const { kafka, clock } = this.#world;
    const { topic } = kafka;
    // Kafka comes round every few minutes; a gateway that loads has seen the policy by then.
    if (!topic!.deletes) this.#deletesFrom = clock.now + DELETES_AFTER_MS;
    kafka.setPolicy(!topic!.compacted, topic!.compacted || this.#random.chance(0.5));
    this.#note(() => `compacted: ${topic!.compacted}`);
  }

  faults(): void {
    const { clock, replicas, kafka } = this.#world;
    const { name, source } = this.#random.pick(replicas);
    if (source.isInTrouble) return;
    const isOutage = this.#outageMs !== null && this.#random.chance(0.8);
    const milliseconds = isOutage
      ? this.#outageMs! * (0.5 + 2 * this.#random.next())
      : this.#random.next() * this.#random.pick([8000, 8000, 18_000]);
    const kind = this.#random.next() * (isOutage ? 0.5 : 1);
    if (kind < 0.2) source.isDown = true;
    else if (kind < 0.5) source.isStuck = true;
    else source.failing = this.#random.pick([0.1, 0.5, 1]);
    this.#note(() => `faults at ${name} for ${Math.floor(milliseconds)} ms`);
    clock.setTimeout(() => {
      source.recover();
      kafka.changed();
    }, milliseconds);
  }

  restart(): void {
    const replica = this.#random.pick(this.#world.replicas);
    if (replica.feed === null) return;
    replica.stop();
    this.#note(() => `${replica.name} ends`);
    this.#disconnect(replica);
    this.#world.clock.setTimeout(() => {
      replica.start();
      this.#note(() => `${replica.name} starts`);
    }, this.#random.next() * 3000);
  }

  #partition() {
    const { partitions } = this.#world.kafka.topic!;
    const number = this.#random.between(0, partitions.length - 1);
    return [number, partitions[number]!] as const;
  }

  #pick(): keyof Weights {
    const total = this.#weights.reduce((sum, [, weight]) => sum + weight, 0);
    let left = this.#random.next() * total;
    for (const [name, weight] of this.#weights) {
      left -= weight;
      if (left < 0) return name;
    }
    return 'append';
  }

  #note(line: () => string): void {
    this.#world.note(line);
  }
}
