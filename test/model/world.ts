import { HandedOut } from './handed_out.ts';
import { Ledger } from './ledger.ts';
import type { Replica } from './replica.ts';
import { SimulatedKafka } from './simulated_kafka.ts';
import { START, VirtualClock } from './virtual_clock.ts';

/** What worlds of one scenario have in common, where there are several: each has a topic. */
interface Shared {
  readonly clock: VirtualClock;
  readonly trace: string[];
  readonly topicName: string;
  /** Tells the ids of its topics from those of others; one byte. */
  readonly idByte: number;
}

/** What all parts of one scenario share. */
export class World {
  readonly clock: VirtualClock;
  readonly topicName: string;
  readonly kafka: SimulatedKafka;
  readonly replicas: Replica[] = [];
  readonly handedOut: HandedOut = new HandedOut();
  /** How often each kind of thing happened: shows that the scenarios reach it at all. */
  readonly counts: Map<string, number> = new Map();
  /** The first expectation that was broken. */
  failure: string | null = null;
  readonly trace: string[];
  readonly #isTraced: boolean;

  constructor(hasIds: boolean, isTraced: boolean, shared: Partial<Shared> = {}) {
    this.clock = shared.clock ?? new VirtualClock();
    this.trace = shared.trace ?? [];
    this.topicName = shared.topicName ?? 'events';
    this.kafka = new SimulatedKafka(this.clock, new Ledger(hasIds), shared.idByte);
    this.#isTraced = isTraced;
  }

  note(line: () => string): void {
    if (!this.#isTraced) return;
    this.trace.push(`${((this.clock.now - START) / 1000).toFixed(3).padStart(8)} ${line()}`);
  }

  count(kind: string): void {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
  }

  /** What a client does: a broken expectation ends the scenario, not the code that woke the client. */
  guard(client: { readonly name: string; close(): void }, action: () => void): void {
    if (this.failure !== null) return;
    try {
      action();
    } catch (error) {
      this.fail(`${client.name}: ${error instanceof Error ? error.message : error}`);
      client.close();
    }
  }

  fail(what: string): void {
    this.failure ??= what;
    this.note(() => `FAILED ${what}`);
  }
}
