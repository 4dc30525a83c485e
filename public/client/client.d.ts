/** What a key or a value is: bytes where they are not UTF-8. */
export type Content = string | Uint8Array<ArrayBuffer>;

export interface ConnectOptions {
  /** Where to go on: the `lastEventId` of an event that was had. */
  readonly lastEventId?: string;
  /** Closes the connection when it aborts. */
  readonly signal?: AbortSignal;
  /**
   * Gives the token of the sign-in, asked for at each connect and sent as `Authorization: Bearer`;
   * an empty text sends none, where the function renews a cookie in its place. With it a stream that
   * is refused comes back, by the time that the gateway says; the event `unauthorized` says why.
   * Should it throw, `error` has what it threw, and it is asked again later.
   */
  readonly token?: () => string | Promise<string>;
  /** As of EventSource: cookies are sent to other origins, too. */
  readonly withCredentials?: boolean;
  /**
   * Keeps the last id, under the stream's address, so that a page that is loaded again goes on where
   * it was; `sessionStorage` does it for one tab. It has only ids of events that were handled.
   */
  readonly store?: IdStore;
  /**
   * A connection is taken for dead after this time without a byte, and made anew; 0: never.
   * Default: 45,000, three heartbeats. To be raised with the gateway's `HEARTBEAT_SECONDS`.
   */
  readonly maxSilenceMs?: number;
  /** Takes the place of `fetch`; for headers that a proxy asks for, or another HTTP client. */
  readonly fetch?: (url: string, init?: RequestInit) => Promise<Response>;
}

/** As a `Storage`; each may return a promise. */
export interface IdStore {
  getItem(key: string): string | null | Promise<string | null>;
  setItem(key: string, id: string): unknown;
}

/**
 * Opens a stream. It has the interface of EventSource, and differs in this:
 *
 * - It comes back after every loss of the network, and after 408, 425, 429, 5xx and what a sign-in
 *   refuses (`WWW-Authenticate: Bearer`; 401 after 5 s, 403 after 30 s): after the time
 *   that the server asks for (`retry:`, `Retry-After`) and a random one up to 1 s, 2 s, 4 s, ...
 *   30 s, or at once when the browser says `online`. Another status ends it, with the reason.
 * - A dead connection is seen: see `maxSilenceMs`.
 * - `lastEventId` moves on after an event was handled, not before. A block that is cut off, or whose
 *   consumer is still at work on it, comes again; a browser's EventSource takes the id at its event.
 * - Asked for `?format=json`, or at any event but `message`, `detail` has what the text means.
 *
 * The last id is sent as the header `Last-Event-ID`; to another origin as `?lastEventId=`, because
 * there the header would cost a preflight at each try.
 *
 * @throws {TypeError} for what is not a URL
 */
export function connect(url: string | URL, options?: ConnectOptions): Connection;

/**
 * `for await (const event of connection)` gives the events one by one. While the consumer is at
 * work nothing is read, so that the gateway waits; leaving the loop closes the connection, and a
 * connection that is closed ends the loop, with an error where the server refused it for good.
 */
export interface Connection extends EventTarget, AsyncIterable<StreamEvent> {
  readonly CONNECTING: 0;
  readonly OPEN: 1;
  readonly CLOSED: 2;
  /** One of the above. */
  readonly readyState: 0 | 1 | 2;
  readonly url: string;
  readonly withCredentials: boolean;
  /** Up to here everything was handled. */
  readonly lastEventId: string;
  /** When the last byte came, in Unix milliseconds; 0 before. */
  readonly lastActivity: number;
  /** The stream is there. */
  onopen: ((event: Event) => void) | null;
  /** A record. */
  onmessage: ((event: StreamEvent) => void) | null;
  /** The stream is over; `readyState` and `retryMs` say whether it comes back. */
  onerror: ((event: StreamError) => void) | null;
  /** A record without a value; `detail.key` is what is deleted. */
  ondelete: ((event: StreamEvent) => void) | null;
  /** Records that do not come; `detail` is a `Gap`. */
  ongap: ((event: StreamEvent) => void) | null;
  /** With `?format=json`: all that was there when the stream was opened has come. */
  onlive: ((event: StreamEvent) => void) | null;
  /**
   * The gateway has heard nothing of the topic from Kafka for 10 s: what came may be out of date.
   * `detail` is `{ since }`, Unix milliseconds. Until `fresh`, or the next `open`.
   */
  onstale: ((event: StreamEvent) => void) | null;
  /** It hears of it again. */
  onfresh: ((event: StreamEvent) => void) | null;
  /** The token is soon over: the stream ends, and comes back with its id and another token. */
  onexpired: ((event: StreamEvent) => void) | null;
  /**
   * With `token`: the stream is not given. `detail` is `{ reason }`: `missing`, `expired`, `invalid`,
   * `forbidden` (this user may not read it) or `unavailable` (the gateway cannot tell for now).
   */
  onunauthorized: ((event: StreamEvent) => void) | null;
  addEventListener(
    type: 'message' | 'delete' | 'gap' | 'live' | 'stale' | 'fresh' | 'expired' | 'unauthorized',
    listener: (event: StreamEvent) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: 'error',
    listener: (event: StreamError) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
  /** Ends it for good; nothing is dispatched from then on. */
  close(): void;
  /** Comes back as a new client, without an id. */
  restart(): void;
}

/** A block of the stream. */
export interface StreamEvent extends MessageEvent<string> {
  /**
   * With `?format=json` a `StreamRecord` of `message` and `delete`; else `{ key }` of a `delete` and
   * null of a `message`. A `Gap` of a `gap`, `{ since }` of a `stale`, `{ reason }` of an
   * `unauthorized`.
   */
  // biome-ignore lint/suspicious/noExplicitAny: it depends on the type and on the address
  readonly detail: any;
}

/** Why a stream is over. */
export interface StreamError extends Event {
  readonly error: Error & { readonly status?: number };
  /** When it tries again, in milliseconds; null: never, it is closed. */
  readonly retryMs: number | null;
}

/**
 * A record, as `?format=json` has it. Of a topic whose values are JSON, or are read by a schema
 * registry, `Value` is what they are.
 */
export interface StreamRecord<Value = Content> {
  readonly partition: number;
  readonly offset: number;
  /** Unix milliseconds. */
  readonly timestamp: number;
  readonly key: Content | null;
  /** Null: a delete. */
  readonly value: Value | null;
  /** The schema that a value was written with. */
  readonly schema?: number | string;
  /** Why a value cannot be read: it is as Kafka has it. */
  readonly error?: string;
  readonly headers: readonly (readonly [name: string, value: Content | null])[];
}

/** What the `detail` of a gap is; the reasons are in the README. */
export interface Gap {
  readonly reason:
    | 'retention'
    | 'recreated'
    | 'truncated'
    | 'unreadable-cursor'
    | 'deletes'
    | 'view'
    | 'unread';
  readonly topic: string;
  readonly partitions: readonly {
    readonly partition: number;
    /** The offset that was due. */
    readonly from: number;
    /** Where the stream goes on. */
    readonly to: number;
  }[];
}

export interface TableOptions extends Omit<ConnectOptions, 'lastEventId' | 'store'> {
  /** What opens its stream; default: `connect`. `shared` of shared.js takes one for all tabs. */
  readonly connect?: (url: string | URL, options?: ConnectOptions) => Connection;
}

/** A live Map of the latest value of each key of a compacted topic. */
export function table(url: string | URL, options?: TableOptions): Table;

/**
 * It shows what a new client would get, always: after a loss of the network that lasted longer than
 * Kafka keeps deletes (`/-/topics` says how long), and after a gap, it is read again from the
 * beginning, and what it shows stays as it was until all of it can be changed at once.
 *
 * Where a key lies in two partitions, as after partitions were added, the newer record shows, and
 * the older one again when that is deleted: to Kafka these are two keys. Records without a key do
 * not show. On a topic that Kafka also cuts by age (`compact,delete`), rows that it drops stay until
 * the table is read again.
 */
export interface Table extends EventTarget, ReadonlyMap<Content, Content> {
  /** Its stream: for its state, and its `open` and `error`. */
  readonly connection: Connection;
  /** Resolves with the table once it is whole; rejects when it is closed before, or refused. */
  readonly whole: Promise<Table>;
  /** Whether it shows all that there was when its stream was opened, and every change since. */
  readonly isWhole: boolean;
  /** The record that the value of a key came in: its time, its offset, its headers. */
  record(key: Content): StreamRecord | undefined;
  /** Each time it has become whole. */
  addEventListener(
    type: 'whole',
    listener: (event: Event) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  /** What it shows has changed; all that came together in one event. */
  addEventListener(
    type: 'change',
    listener: (event: Event & { readonly keys: readonly Content[] }) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
  close(): void;
}
