/** What a key or a value is: bytes where they are not UTF-8. */
export type Content = string | Uint8Array<ArrayBuffer>;

export interface ConnectOptions<Value = Content> {
  /** `json` gives records with key, offset and time; default: as the address says, else `text`. */
  readonly format?: 'json' | 'text';
  /**
   * Where a new client begins: `'latest'`, a time (a `Date`, RFC 3339 or Unix milliseconds), or a
   * negative number, so many offsets before each partition's end.
   */
  readonly since?: string | number | Date;
  /** Records with this key alone, or one of these. */
  readonly key?: Content | readonly Content[];
  /** Records that this CEL holds for alone: `value.price > 100.0 && headers.eu == "1"`. */
  readonly where?: string;
  /** Past `live`, events come at most once in so many milliseconds, together. */
  readonly every?: number;
  /**
   * Makes of a value what `detail.value` is, as `JSON.parse`; asks for `format: 'json'`. Where it
   * throws, the value stays as it came, and `detail.error` says why. It is not asked of a value that
   * the gateway could not read.
   */
  // biome-ignore lint/suspicious/noExplicitAny: it depends on the topic
  readonly parse?: (value: any) => Value;
  /** Where to go on: the `lastEventId` of an event that was had. */
  readonly lastEventId?: string;
  /** Closes the connection when it aborts; what waits for it is rejected with its reason. */
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
   * `close` ends the stream while the page is hidden, and goes on where it was once it is seen;
   * default: it is kept for as long as the device keeps it.
   */
  readonly whileHidden?: 'keep' | 'close';
  /**
   * Keeps the last id, under the stream's address, so that a page that is loaded again goes on where
   * it was; `sessionStorage` does it for one tab. It has only ids of events that were handled.
   */
  readonly store?: IdStore;
  /**
   * A connection is taken for dead after this time without a byte, and made anew; 0: never. A new
   * one after 20 s, and so is one that was silent for that long when the page or the network wakes.
   * Default: 45,000, three heartbeats. To be raised with the gateway's `HEARTBEAT_SECONDS`; the
   * 20 s that a waking page allows are raised with it.
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
 *   30 s, or at once when the page or the network is back. Another status ends it, with the reason.
 * - A dead connection is seen: see `maxSilenceMs`.
 * - After three streams without a byte, as on a network that holds streams back, it asks by
 *   `?wait=`, again and again: `status` is `polling`. It tries a stream again after three of these
 *   without a byte, and when the network changes.
 * - `lastEventId` moves on after an event was handled, not before. A block that is cut off, or whose
 *   consumer is still at work on it, comes again; a browser's EventSource takes the id at its event.
 * - Asked for `format: 'json'`, or at any event but `message`, `detail` has what the text means.
 *
 * The last id is sent as the header `Last-Event-ID`; to another origin as `?lastEventId=`, because
 * there the header would cost a preflight at each try.
 *
 * Several topics of one gateway are one stream: `connect(['/prices', '/orders'])`, in `format: 'json'`.
 * The `detail` of a record says its `topic`. The query is that of the first address.
 *
 * @throws {TypeError} for what is not a URL, and for topics of more than one gateway
 */
export function connect<Value = Content>(
  url: string | URL | readonly (string | URL)[],
  options?: ConnectOptions<Value>,
): Connection<Value>;

/**
 * - `connecting`: until the first stream is there
 * - `replaying`: what was there comes; with `format: 'json'`, until `live`
 * - `live`: it is up to date
 * - `polling`: as `live`, by one request after the other, on a network that holds streams back
 * - `stale`: the gateway hears nothing of the topic from Kafka
 * - `retrying`: the stream is lost and will be asked for again, or the page is hidden
 *   (`whileHidden`)
 * - `unauthorized`: the stream was refused for want of a right, and will be asked for again
 * - `closed`: by whoever opened it, or refused for good
 */
export type Status =
  | 'connecting'
  | 'replaying'
  | 'live'
  | 'polling'
  | 'stale'
  | 'retrying'
  | 'unauthorized'
  | 'closed';

/** A block of the stream. */
export interface StreamEvent<Type extends string = string, Detail = unknown>
  extends MessageEvent<string> {
  readonly type: Type;
  /**
   * What the text means, by the type of the event. Of a `message` without `format: 'json'` there is
   * none: to ask for it throws a TypeError. Of a `delete` and a `leave` it is `{ key }` then.
   */
  readonly detail: Detail;
}

/** What an iterator gives, and what handlers are called with. */
export type AnyStreamEvent<Value = Content> =
  | StreamEvent<'message', PresentRecord<Value>>
  | StreamEvent<'delete' | 'leave', StreamRecord<Value>>
  | StreamEvent<'gap', Gap>
  | StreamEvent<'live' | 'fresh' | 'expired', Record<string, never>>
  | StreamEvent<'stale', { readonly since: number }>
  | StreamEvent<'unauthorized', Unauthorized>;

/** Events by their names. */
export interface ConnectionEventMap<Value = Content> {
  /** The stream is there. */
  open: Event;
  /** The stream is over; `readyState` and `retryMs` say whether it comes back. */
  error: StreamError;
  /** `status` is another one. */
  statuschange: Event;
  /** A record. */
  message: StreamEvent<'message', PresentRecord<Value>>;
  /** A record without a value; `detail.key` is what is deleted. */
  delete: StreamEvent<'delete', StreamRecord<Value>>;
  /** With a filter, on a compacted topic: the newest record of `detail.key` does not match it. */
  leave: StreamEvent<'leave', StreamRecord<Value>>;
  /** Records that do not come. */
  gap: StreamEvent<'gap', Gap>;
  /** With `format: 'json'`: all that was there when the stream was opened has come. */
  live: StreamEvent<'live', Record<string, never>>;
  /**
   * The gateway has heard nothing of the topic from Kafka for 10 s, since `detail.since` (Unix
   * milliseconds): what came may be out of date. Until `fresh`, or the next `open`.
   */
  stale: StreamEvent<'stale', { readonly since: number }>;
  /** It hears of it again. */
  fresh: StreamEvent<'fresh', Record<string, never>>;
  /** The token is soon over: the stream ends, and comes back with its id and another token. */
  expired: StreamEvent<'expired', Record<string, never>>;
  /** With `token`: the stream is not given. */
  unauthorized: StreamEvent<'unauthorized', Unauthorized>;
}

/** Why a stream is not given. */
export interface Unauthorized {
  /** `forbidden`: this user may not read it. `unavailable`: the gateway cannot tell for now. */
  readonly reason: 'missing' | 'expired' | 'invalid' | 'forbidden' | 'unavailable';
}

type Handler<Type extends Event> = ((event: Type) => void) | null;

/**
 * `for await (const event of connection)` gives the events one by one. While the consumer is at
 * work nothing is read, so that the gateway waits; leaving the loop closes the connection, and a
 * connection that is closed ends the loop, with an error where the server refused it for good, or
 * its signal was aborted.
 */
export interface Connection<Value = Content>
  extends EventTarget,
    AsyncIterable<AnyStreamEvent<Value>> {
  readonly CONNECTING: 0;
  readonly OPEN: 1;
  readonly CLOSED: 2;
  /** One of the above. */
  readonly readyState: 0 | 1 | 2;
  /** How things are, in one word; `statuschange` tells when it changes. */
  readonly status: Status;
  readonly url: string;
  readonly withCredentials: boolean;
  /** Up to here everything was handled. */
  readonly lastEventId: string;
  /** When the last byte came, in Unix milliseconds; 0 before. */
  readonly lastActivity: number;
  onopen: Handler<Event>;
  onerror: Handler<StreamError>;
  onstatuschange: Handler<Event>;
  onmessage: Handler<ConnectionEventMap<Value>['message']>;
  ondelete: Handler<ConnectionEventMap<Value>['delete']>;
  onleave: Handler<ConnectionEventMap<Value>['leave']>;
  ongap: Handler<ConnectionEventMap<Value>['gap']>;
  onlive: Handler<ConnectionEventMap<Value>['live']>;
  onstale: Handler<ConnectionEventMap<Value>['stale']>;
  onfresh: Handler<ConnectionEventMap<Value>['fresh']>;
  onexpired: Handler<ConnectionEventMap<Value>['expired']>;
  onunauthorized: Handler<ConnectionEventMap<Value>['unauthorized']>;
  addEventListener<Type extends keyof ConnectionEventMap<Value>>(
    type: Type,
    listener: (event: ConnectionEventMap<Value>[Type]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
  /** Ends it for good: after its `statuschange` nothing is dispatched. */
  close(): void;
  /** Comes back as a new client, without an id. */
  restart(): void;
  /**
   * Looks whether the stream is alive, and asks for it at once where it is being waited for. A page
   * that is seen again, and a network that is back, do so by themselves; an app in a shell may know
   * more.
   */
  wake(): void;
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
  /** In a stream of several topics: which one. */
  readonly topic?: string;
  readonly partition: number;
  readonly offset: number;
  /** Unix milliseconds. */
  readonly timestamp: number;
  readonly key: Content | null;
  /** Null: a delete. What leaves a filter has none, and no headers. */
  readonly value: Value | null;
  /** The schema that a value was written with. */
  readonly schema?: number | string;
  /** Why a value cannot be read: it is as Kafka has it. */
  readonly error?: string;
  readonly headers: readonly (readonly [name: string, value: Content | null])[];
}

/** A record with a value. */
export interface PresentRecord<Value = Content> extends StreamRecord<Value> {
  readonly value: Value;
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

export interface TableOptions<Value = Content>
  extends Omit<ConnectOptions<Value>, 'format' | 'lastEventId' | 'store'> {
  /** What opens its stream; default: `connect`. `shared` of shared.js takes one for all tabs. */
  readonly connect?: <Value>(
    url: string | URL,
    options?: ConnectOptions<Value>,
  ) => Connection<Value>;
}

/**
 * A live Map of the latest value of each key of a compacted topic. `Value` is what the values are:
 * of a topic whose values the gateway reads as JSON, or after `parse`.
 */
export function table<Value = Content>(
  url: string | URL,
  options?: TableOptions<Value>,
): Table<Value>;

/**
 * A table a topic, by name, of several topics of one gateway in one stream: `table(['/prices', '/orders'])`.
 * What is asked for, such as `where`, holds for all of them.
 */
export function table<Value = Content>(
  urls: readonly (string | URL)[],
  options?: TableOptions<Value>,
): Tables<Value>;

/** Each starts over by itself where its topic does, and all where records were lost of one. */
export interface Tables<Value = Content> extends ReadonlyMap<string, Table<Value>> {
  /** The stream of all. */
  readonly connection: Connection<Value>;
  /** Resolves once all of them are whole; rejects as that of one does. */
  readonly whole: Promise<Tables<Value>>;
  /** Ends the stream, and all tables with it. */
  close(): void;
}

/**
 * It shows what a new client would get, always: after a gap (where the network was away for longer
 * than Kafka keeps deletes, the gateway tells one) it is read again from the beginning, and what it
 * shows stays as it was until all of it can be changed at once. With a filter it shows what matches:
 * a key whose newest record does not is gone.
 *
 * Where a key lies in two partitions, as after partitions were added, the newer record shows, and
 * the older one again when that is deleted: to Kafka these are two keys. Records without a key do
 * not show. On a topic that Kafka also cuts by age (`compact,delete`), rows that it drops stay until
 * the table is read again.
 */
export interface Table<Value = Content> extends EventTarget, ReadonlyMap<Content, Value> {
  /** Its stream: for its `error` and its `gap`. */
  readonly connection: Connection<Value>;
  /** Of its stream; `statuschange` tells when it changes. */
  readonly status: Status;
  /**
   * Resolves with the table once it is whole; rejects where its stream is refused for good, and with
   * an `AbortError` where it is closed, or its signal aborted, before.
   */
  readonly whole: Promise<Table<Value>>;
  /** Whether it shows all that there was when its stream was opened, and every change since. */
  readonly isWhole: boolean;
  /** The record that the value of a key came in: its time, its offset, its headers. */
  record(key: Content): PresentRecord<Value> | undefined;
  /** Each time it has become whole, or its status is another one. */
  addEventListener(
    type: 'whole' | 'statuschange',
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
