import type { EndReason, RefusalReason, StreamObserver } from '../stream_observer.ts';

/** Streams of one topic. */
interface TopicCounts {
  opened: number;
  readonly closed: Record<EndReason, number>;
}

/** Counts streams for the metrics. Every reason is there from the start, with 0. */
export class StreamCounts implements StreamObserver {
  readonly byTopic: ReadonlyMap<string, TopicCounts>;
  readonly refusals: Record<RefusalReason, number> = {
    max_connections: 0,
    max_connections_per_ip: 0,
    drain: 0,
  };

  constructor(topics: readonly string[]) {
    this.byTopic = new Map(
      topics.map((topic) => [
        topic,
        { opened: 0, closed: { client: 0, stalled: 0, max_age: 0, drain: 0, error: 0 } },
      ]),
    );
  }

  opened(topic: string): void {
    this.byTopic.get(topic)!.opened++;
  }

  closed(topic: string, reason: EndReason): void {
    this.byTopic.get(topic)!.closed[reason]++;
  }

  refused(reason: RefusalReason): void {
    this.refusals[reason]++;
  }
}
