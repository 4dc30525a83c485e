/** Why a stream is over: the client went, or what the gateway ended it for. */
export type EndReason = 'client' | 'stalled' | 'max_age' | 'drain' | 'error';

/** Why a stream is not let in. */
export type RefusalReason = 'max_connections' | 'max_connections_per_ip' | 'drain';

/** Is told of every stream: refused, or let in and once over. For metrics. */
export interface StreamObserver {
  opened(topic: string): void;
  closed(topic: string, reason: EndReason): void;
  refused(reason: RefusalReason): void;
}
