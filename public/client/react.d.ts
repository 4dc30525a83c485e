import type {
  Connection,
  ConnectOptions,
  Content,
  Status,
  StreamRecord,
  TableOptions,
} from './client.js';

/** What a hook gives: the same object until something that it shows has changed. */
export interface Shown<Data> {
  readonly data: Data;
  readonly status: Status;
  /** Why there is no stream, until there is one again. */
  readonly error: (Error & { readonly status?: number }) | null;
  /** Whether all that there was has come. */
  readonly isWhole: boolean;
}

/** What is to be shown of what comes. */
export interface Selecting<Items, Selected> {
  /** May be written in place. What it gives is compared by `isEqual`: a component is rendered where it is another. */
  readonly select?: (items: Items) => Selected;
  /** Default: `Object.is`. */
  readonly isEqual?: (one: Selected, other: Selected) => boolean;
}

export interface UseTableOptions<Value, Selected>
  extends Omit<TableOptions<Value>, 'signal'>,
    Selecting<ReadonlyMap<Content, Value>, Selected> {}

/**
 * The latest value of each key of a compacted topic, kept up to date: a Map, another one each time
 * that it changes, or what `select` makes of it.
 *
 * All components that ask for the same have one stream, from the first that is shown to the last
 * that goes. A component is rendered once a frame at most. On the server it is empty, and
 * `connecting`. Functions among the options may be written in place: the first ones count.
 */
export function useTable<Value = Content, Selected = ReadonlyMap<Content, Value>>(
  url: string | URL,
  options?: UseTableOptions<Value, Selected>,
): Shown<Selected>;

export interface UseStreamOptions<Value, Selected>
  extends Omit<ConnectOptions<Value>, 'signal' | 'format'>,
    Selecting<readonly StreamRecord<Value>[], Selected> {
  /** How many records are kept; default: 100. */
  readonly limit?: number;
  /** What opens the stream; default: `connect`. `shared` takes one for all tabs. */
  readonly connect?: <Value>(
    url: string | URL,
    options?: ConnectOptions<Value>,
  ) => Connection<Value>;
}

/**
 * The last records of a topic, the newest last, deletes (a `value` of null) too; or what `select`
 * makes of them. Else as `useTable()`. After a gap that starts over it begins anew.
 */
export function useStream<Value = Content, Selected = readonly StreamRecord<Value>[]>(
  url: string | URL,
  options?: UseStreamOptions<Value, Selected>,
): Shown<Selected>;
