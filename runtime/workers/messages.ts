import type { Health } from '../../app/describe/admin.ts';
import type { ClientChoice, ClientFilter } from '../../app/http/client_list.ts';
import type { RefusalReason } from '../../app/ports/stream_observer.ts';
import type { MetricValues } from '../process/prometheus.ts';

/** In the environment of a worker: another program's process may be a cluster's worker, too. */
export const OWN_WORKER = 'SSE_KAFKA_WORKER';
/** Its value where the primary process has the streams file: one process reads it for all. */
export const WITH_STREAMS = 'streams';

/** What a worker tells the primary process. */
export type WorkerMessage =
  | { readonly kind: 'asks for streams' }
  | { readonly kind: 'listening'; readonly urls: readonly string[] }
  /** It cannot start: why, for people. */
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'health'; readonly health: Health }
  /** Asks for a slot; the answer has the same number. */
  | { readonly kind: 'take'; readonly number: number; readonly address: string }
  | { readonly kind: 'release'; readonly address: string }
  /** What it measures; the question had the same number. */
  | { readonly kind: 'measured'; readonly number: number; readonly values: MetricValues }
  /** Some lines of those who are connected; the question had the same number. */
  | { readonly kind: 'clients'; readonly number: number; readonly lines: string }
  /** That was all; `count` of them were ended. */
  | { readonly kind: 'all clients'; readonly number: number; readonly count: number }
  /** All is let go; what is left of the process may be killed. */
  | { readonly kind: 'ended' };

/** What the primary process tells a worker. */
export type PrimaryMessage =
  | { readonly kind: 'drain' }
  | { readonly kind: 'reload' }
  | { readonly kind: 'stop' }
  /** The text of the streams file; null where it was read again and is at fault. */
  | { readonly kind: 'streams'; readonly text: string | null; readonly isReadAgain: boolean }
  | { readonly kind: 'measure'; readonly number: number }
  | { readonly kind: 'list clients'; readonly number: number; readonly filter: ClientFilter }
  | { readonly kind: 'end clients'; readonly number: number; readonly choice: ClientChoice }
  | { readonly kind: 'taken'; readonly number: number; readonly refusal: RefusalReason | null };
