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

/** How often a stream of several topics went where those are merged once for all, and how often it fell back. */
export type MergeCounts = Record<'joined' | 'fell_back', number>;

/** Counts streams for the metrics. Every reason is there from the start, with 0. */
export class StreamCounts implements StreamObserver {
  /** A topic that is gone keeps what it counted: a counter must not fall. */
  readonly byTopic: Map<string, TopicCounts> = new Map();
  readonly refusals: Record<RefusalReason, number> = zeros(REFUSAL_REASONS);
  readonly merges: MergeCounts = { joined: 0, fell_back: 0 };

  /** To be called before a stream of the topic opens. */
  addTopic(topic: string): void {
    if (this.byTopic.has(topic)) return;
    this.byTopic.set(topic, { opened: 0, closed: zeros(END_REASONS) });
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
