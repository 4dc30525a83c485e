/** What a process may read beside its feeds. */
export interface SharedReaders {
  /** For clients below memory. */
  readonly history: ReaderSlots;
  /** For the deletes that Kafka may have dropped. */
  readonly sweeps: ReaderSlots;
}

/** One that reads, and may be asked to make room. */
export interface SlotHolder {
  /** Ends soon unless it is needed. */
  giveWay(): void;
}

/**
 * Bounds how much is read beside the feeds, over all topics of a process: of the native Kafka client each
 * read takes a thread, of which there are few.
 */
export class ReaderSlots {
  readonly #max: number;
  readonly #holders = new Set<SlotHolder>();
  /** The one that waits longest first. */
  readonly #awaiting = new Set<() => void>();

  constructor(max: number) {
    this.#max = max;
  }

  /** Whether somebody waits for one. */
  get areAwaited(): boolean {
    return this.#awaiting.size > 0;
  }

  /** @returns whether one was free */
  take(holder: SlotHolder): boolean {
    if (this.#holders.size >= this.#max) return false;
    this.#holders.add(holder);
    return true;
  }

  /** Calls `freed` once, as soon as one is free and it is its turn. */
  await(freed: () => void): void {
    this.#awaiting.add(freed);
    for (const holder of this.#holders) holder.giveWay();
  }

  /** To be called once nothing of the read goes on any more. */
  release(holder: SlotHolder): void {
    this.#holders.delete(holder);
    for (const freed of [...this.#awaiting]) {
      if (this.#holders.size >= this.#max) return;
      this.#awaiting.delete(freed);
      freed();
    }
  }
}
