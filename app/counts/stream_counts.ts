import {
  END_REASONS,
  type EndReason,
  REFUSAL_REASONS,
  type RefusalReason,
  type StreamObserver,
} from '../ports/stream_observer.ts';
import { zeros } from './counters.ts';

/** Streams of one topic. */
interface TopicCounts {
  opened: number;
  readonly closed: Record<EndReason, number>;
}

/** Counts streams for the metrics. Every reason is there from the start, with 0. */
export class StreamCounts implements StreamObserver {
  readonly byTopic: ReadonlyMap<string, TopicCounts>;
  readonly refusals: Record<RefusalReason, number> = zeros(REFUSAL_REASONS);

  constructor(topics: readonly string[]) {
    this.byTopic = new Map(
      topics.map((topic) => [topic, { opened: 0, closed: zeros(END_REASONS) }]),
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
