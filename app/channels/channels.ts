import {
  type Expression,
  parseExpression,
  parseTemplate,
  type Template,
} from '../expressions/expression.ts';
import type { Feed } from '../feed/feed.ts';
import type { ValueKind } from '../ports/values.ts';
import { RECORD_NAMES } from '../views/filter_parts.ts';
import { LinkedAbort } from '../waits/abortable.ts';
import { parametersOf, type Segment, segmentsOf } from './path_pattern.ts';
import { type Found, PathTree } from './path_tree.ts';
import { namesOf } from './streams_file.ts';

/** What a path is to serve. */
export interface ChannelDefinition {
  /** From the slash on, percent-decoded; of a stream with its parameters in braces. */
  readonly path: string;
  readonly topic: string;
  /** The path in its parts; left out: it has no parameters. */
  readonly segments?: readonly Segment[];
  /** Whether it is a stream of the streams file: its path wins over a topic's. */
  readonly isStream?: boolean;
  /** A right beside that of `REQUIRE`. */
  readonly require?: string | null;
  /** What the values of its topic are; left out: bytes. The same for all channels of a topic. */
  readonly value?: ValueKind;
  /** Whether it may be compressed; left out: it may. */
  readonly compression?: boolean;
  /** Which records it lets through; `null` or left out: all. */
  readonly where?: string | null;
  /** Milliseconds between two beats, at the least; `null` or left out: none. */
  readonly every?: number | null;
  /** Whether the keys of records that it does not let through are no secret. */
  readonly hasOpenKeys?: boolean;
}

/** What a path serves, for as long as it does. */
export interface Channel extends Omit<ChannelDefinition, 'where'> {
  readonly segments: readonly Segment[];
  readonly right: Expression | null;
  readonly where: Template | null;
  /** The feed of its topic, which other channels may share. */
  readonly feed: Feed;
  /** Aborts once the channel is dropped: its streams have to end. */
  readonly signal: AbortSignal;
}

/** A topic that channels read. */
interface ServedTopic {
  readonly feed: Feed;
  readonly value: ValueKind;
  readonly channels: Set<ServedChannel>;
  /** Whether the gateway is not ready without it. */
  readonly isAwaited: boolean;
  /** Ends its reading; `null` until that has begun. */
  end: LinkedAbort | null;
}

interface ServedChannel extends Channel {
  readonly end: AbortController;
}

/**
 * The channels of a gateway, by path. They come and go while it runs, and with them their topics: a
 * topic is read from its first channel to its last, whatever happens to the others.
 */
export class Channels implements Iterable<Channel> {
  readonly #createFeed: (topic: string, value: ValueKind) => Feed;
  readonly #byPath = new Map<string, ServedChannel>();
  readonly #topics = new Map<string, ServedTopic>();
  readonly #readings = new Set<Promise<void>>();
  /** Those of streams and those of topics, made anew once they have changed. */
  #trees: readonly PathTree<Channel>[] | null = null;
  /** Ends all; `null` until `run`. */
  #signal: AbortSignal | null = null;

  constructor(createFeed: (topic: string, value: ValueKind) => Feed) {
    this.#createFeed = createFeed;
  }

  [Symbol.iterator](): Iterator<Channel> {
    return this.#byPath.values();
  }

  /** The channel that the path of a request names, and its parameters; each segment is decoded once. */
  find(pathname: string): Found<Channel> | null {
    const segments = segmentsOf(pathname);
    // What lies below `/-/` is the gateway's own, also to a stream that begins with a parameter.
    if (segments === null || (segments[0] === '-' && segments.length > 1)) return null;
    this.#trees ??= this.#plant();
    for (const tree of this.#trees) {
      const found = tree.find(segments);
      if (found !== null) return found;
    }
    return null;
  }

  #plant(): PathTree<Channel>[] {
    const streams = new PathTree<Channel>();
    const topics = new PathTree<Channel>();
    for (const channel of this.#byPath.values()) {
      (channel.isStream ? streams : topics).set(channel.segments, channel);
    }
    return [streams, topics];
  }

  /** Serves these and no others from now on. What is as it was goes on untouched. */
  replace(definitions: readonly ChannelDefinition[]): void {
    const wanted = new Map(definitions.map((definition) => [definition.path, definition]));
    for (const channel of this.#byPath.values()) {
      const definition = wanted.get(channel.path);
      if (definition === undefined || !isSame(channel, definition)) this.#remove(channel);
    }
    // A topic whose values are something else now has no channel left: it is read anew.
    for (const { topic, value = 'bytes' } of definitions) {
      if (this.#topics.get(topic)?.value !== value) this.#endUnused(topic);
    }
    for (const definition of definitions) {
      if (!this.#byPath.has(definition.path)) this.add(definition);
    }
    this.#endUnused();
  }

  /**
   * Serves a channel from now on.
   * @throws Error where the path is taken
   */
  add(definition: ChannelDefinition): Channel {
    const { path, topic: name } = definition;
    if (this.#byPath.has(path)) throw new Error(`${path} is served already: drop it first`);
    const topic = this.#topics.get(name) ?? this.#addTopic(name, definition.value ?? 'bytes');
    const end = new AbortController();
    const segments = definition.segments ?? path.slice(1).split('/').map(literalOf);
    const right = rightOf(definition.require ?? null, segments);
    const where = whereOf(definition.where ?? null, segments);
    const { feed } = topic;
    const channel = { ...definition, segments, right, where, feed, signal: end.signal, end };
    this.#byPath.set(path, channel);
    this.#trees = null;
    topic.channels.add(channel);
    return channel;
  }

  /** Ends the streams of a channel, and the reading of its topic where no other channel needs it. */
  drop(path: string): void {
    const channel = this.#byPath.get(path);
    if (channel === undefined) return;
    this.#remove(channel);
    this.#endUnused();
  }

  #remove(channel: ServedChannel): void {
    this.#byPath.delete(channel.path);
    this.#trees = null;
    channel.end.abort();
    this.#topics.get(channel.topic)!.channels.delete(channel);
  }

  /** Ends the reading of topics that no channel needs any more; of one alone where it is named. */
  #endUnused(only?: string): void {
    for (const [name, topic] of this.#topics) {
      if (topic.channels.size > 0 || (only ?? name) !== name) continue;
      this.#topics.delete(name);
      topic.end?.abort();
      topic.end?.letGo();
    }
  }

  /** The feeds of the topics that are served. */
  get feeds(): Feed[] {
    return Array.from(this.#topics.values(), ({ feed }) => feed);
  }

  /** What the topics that were there at the start lack until they are loaded, in words. */
  get missing(): string[] {
    return [...this.#topics.values()]
      .filter(({ isAwaited }) => isAwaited)
      .map(({ feed }) => feed.missing)
      .filter((words) => words !== null);
  }

  /** Reads the topics, those that come later, too, until the signal aborts. To be called once. */
  async run(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    for (const topic of this.#topics.values()) this.#read(topic, signal);
    if (!signal.aborted) {
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    }
    await Promise.all(this.#readings);
  }

  #addTopic(name: string, value: ValueKind): ServedTopic {
    const feed = this.#createFeed(name, value);
    const isAwaited = this.#signal === null;
    const topic: ServedTopic = { feed, value, channels: new Set(), isAwaited, end: null };
    this.#topics.set(name, topic);
    if (this.#signal !== null) this.#read(topic, this.#signal);
    return topic;
  }

  #read(topic: ServedTopic, signal: AbortSignal): void {
    topic.end = new LinkedAbort(signal);
    const reading = topic.feed.run(topic.end.signal);
    this.#readings.add(reading);
    void reading.finally(() => this.#readings.delete(reading));
  }
}

function literalOf(literal: string): Segment {
  return { literal };
}

function rightOf(require: string | null, segments: readonly Segment[]): Expression | null {
  return require === null ? null : parseExpression(require, namesOf(parametersOf(segments), true));
}

function whereOf(where: string | null, segments: readonly Segment[]): Template | null {
  if (where === null) return null;
  const given = namesOf(parametersOf(segments), true);
  return parseTemplate(where, new Map([...given, ...RECORD_NAMES]), new Set(given.keys()));
}

/** Whether a stream of the one may go on as one of the other. */
function isSame(channel: Channel, definition: ChannelDefinition): boolean {
  return (
    channel.topic === definition.topic &&
    (channel.isStream ?? false) === (definition.isStream ?? false) &&
    (channel.require ?? null) === (definition.require ?? null) &&
    channel.value === definition.value &&
    (channel.compression ?? true) === (definition.compression ?? true) &&
    (channel.hasOpenKeys ?? false) === (definition.hasOpenKeys ?? false) &&
    (channel.where?.text ?? null) === (definition.where ?? null) &&
    (channel.every ?? null) === (definition.every ?? null)
  );
}
