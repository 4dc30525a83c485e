/** Why a stream is over: the client went, what the gateway ended it for, or all that was asked for has come. */
export const END_REASONS = [
  'client',
  'stalled',
  'max_age',
  'expired',
  'config',
  'kicked',
  'drain',
  'done',
  'error',
] as const;
export type EndReason = (typeof END_REASONS)[number];

/** Why a stream is not let in. */
export const REFUSAL_REASONS = [
  'max_connections',
  'max_connections_per_ip',
  'max_views',
  'drain',
] as const;
export type RefusalReason = (typeof REFUSAL_REASONS)[number];

/** Is told of every stream: refused, or let in and once over. For metrics. */
export interface StreamObserver {
  opened(topic: string): void;
  closed(topic: string, reason: EndReason): void;
  refused(reason: RefusalReason): void;
}
