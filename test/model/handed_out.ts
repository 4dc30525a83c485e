import type { Traffic } from '../../app/counts/traffic.ts';
import type { Subscription } from '../../app/stretches/subscription.ts';
import { SseParser } from './sse_parser.ts';

/** Counts what gateways hand to their clients out of the bytes, to hold their own counts to it. */
export class HandedOut {
  readonly #counts = new Map<Traffic, Map<string, number>>();

  /** One client's stream. */
  stream(subscription: Subscription): HandedOutStream {
    const { traffic } = subscription;
    const counts = this.#counts.get(traffic) ?? new Map<string, number>();
    this.#counts.set(traffic, counts);
    return new HandedOutStream(subscription, counts);
  }

  /** Where a gateway's count is another; `null` where all are right. */
  differs(): string | null {
    for (const [{ eventsSent, gapsSent }, counts] of this.#counts) {
      for (const [name, told] of [['events', eventsSent], ...Object.entries(gapsSent)] as const) {
        const handed = counts.get(name) ?? 0;
        if (told !== handed) return `${told} ${name} were counted, ${handed} handed out`;
      }
    }
    return null;
  }
}

/** Of one client. */
export class HandedOutStream {
  readonly #subscription: Subscription;
  readonly #counts: Map<string, number>;
  readonly #parser = new SseParser();

  constructor(subscription: Subscription, counts: Map<string, number>) {
    this.#subscription = subscription;
    this.#counts = counts;
  }

  push(bytes: Uint8Array): void {
    for (const { event, data } of this.#parser.push(bytes)) {
      if (data === null) continue;
      this.#add('events');
      if (event === 'gap') this.#add((JSON.parse(data) as { reason: string }).reason);
    }
  }

  /** A block that is handed out in parts counts from the first one on. */
  close(): void {
    while (this.#parser.isWithinBlock) this.push(this.#subscription.take()!);
  }

  #add(name: string): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }
}
