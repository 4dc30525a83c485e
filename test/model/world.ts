import { HandedOut } from './handed_out.ts';
import { Ledger } from './ledger.ts';
import type { Replica } from './replica.ts';
import { SimulatedKafka } from './simulated_kafka.ts';
import { START, VirtualClock } from './virtual_clock.ts';

/** What all parts of one scenario share. */
export class World {
  readonly clock: VirtualClock = new VirtualClock();
  readonly topicName = 'events';
  readonly kafka: SimulatedKafka;
  readonly replicas: Replica[] = [];
  readonly handedOut: HandedOut = new HandedOut();
  /** How often each kind of thing happened: shows that the scenarios reach it at all. */
  readonly counts: Map<string, number> = new Map();
  /** The first expectation that was broken. */
  failure: string | null = null;
  readonly trace: string[] = [];
  readonly #isTraced: boolean;

  constructor(hasIds: boolean, isTraced: boolean) {
    this.kafka = new SimulatedKafka(this.clock, new Ledger(hasIds));
    this.#isTraced = isTraced;
  }

  note(line: () => string): void {
    if (!this.#isTraced) return;
    this.trace.push(`${((this.clock.now - START) / 1000).toFixed(3).padStart(8)} ${line()}`);
  }

  count(kind: string): void {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
  }

  fail(what: string): void {
    this.failure ??= what;
    this.note(() => `FAILED ${what}`);
  }
}
