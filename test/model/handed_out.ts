import type { Traffic } from '../../app/counts/traffic.ts';
import type { ClientStream } from '../../app/stretches/client_stream.ts';
import { SseParser } from './sse_parser.ts';

/** What a gateway counts itself. */
type Counted = Pick<Traffic, 'eventsSent' | 'gapsSent'>;

/** Of the blocks that fit one array. */
const MAX_BETWEEN = 200;

/** Counts what gateways hand to their clients out of the bytes, to hold their own counts to it. */
export class HandedOut {
  #maxMore = 0;
  readonly #counts = new Map<Counted, Map<string, number>>();

  /** One client's stream. */
  stream(subscription: ClientStream, traffic: Counted): HandedOutStream {
    const counts = this.#counts.get(traffic) ?? new Map<string, number>();
    this.#counts.set(traffic, counts);
    return new HandedOutStream(subscription, counts);
  }

  /** Events that may be counted of blocks that a client of several topics was to be handed next. */
  isCutBetween(): void {
    this.#maxMore += MAX_BETWEEN;
  }

  /** Where a gateway's count is another; `null` where all are right. */
  differs(): string | null {
    for (const [{ eventsSent, gapsSent }, counts] of this.#counts) {
      for (const [name, told] of [['events', eventsSent], ...Object.entries(gapsSent)] as const) {
        const handed = counts.get(name) ?? 0;
        if (told < handed || told > handed + this.#maxMore)
          return `${told} ${name} were counted, ${handed} handed out`;
      }
    }
    return null;
  }
}

/** Of one client. */
export class HandedOutStream {
  readonly #subscription: ClientStream;
  readonly #counts: Map<string, number>;
  readonly #parser = new SseParser();

  constructor(subscription: ClientStream, counts: Map<string, number>) {
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
