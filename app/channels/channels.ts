import {
  type Expression,
  parseExpression,
  parseTemplate,
  type Template,
} from '../expressions/expression.ts';
import type { Feed } from '../feed/feed.ts';
import type { ValueKind } from '../ports/values.ts';
import { Filter } from '../views/filter.ts';
import { RECORD_NAMES, shapeParts } from '../views/filter_parts.ts';
import { LinkedAbort } from '../waits/abortable.ts';
import { parametersOf, type Segment, segmentsOf } from './path_pattern.ts';
import { type Found, PathTree } from './path_tree.ts';
import { namedTopics, namesOf } from './streams_file.ts';

/** What a path is to serve. */
export interface ChannelDefinition {
  /** From the slash on, percent-decoded; of a stream with its parameters in braces. */
  readonly path: string;
  /** Of several topics their names, joined by commas. */
  readonly topic: string;
  /** Several topics in one stream; left out: the one. */
  readonly topics?: readonly TopicOfSeveral[];
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

/** One of the topics of a stream of several. */
export interface TopicOfSeveral {
  readonly topic: string;
  /** What its values are; left out: bytes. */
  readonly value?: ValueKind;
}

/** What a path serves, for as long as it does. */
export interface Served extends Pick<ChannelDefinition, 'path' | 'isStream' | 'topic'> {
  readonly segments: readonly Segment[];
  /** By topic, in order of the bytes of their names; of one topic itself. */
  readonly parts: readonly Channel[];
  /** Aborts once it is dropped: its streams have to end. */
  readonly signal: Pick<AbortSignal, 'aborted'>;
}

/** What a path serves of one topic. */
export interface Channel extends Served, Omit<ChannelDefinition, 'where' | 'topics'> {
  readonly segments: readonly Segment[];
  readonly right: Expression | null;
  readonly where: Template | null;
  /** Since when it lets that through, Unix milliseconds; 0 where it has done so since the start. */
  readonly whereSince: number;
  /** The feed of its topic, which other channels may share. */
  readonly feed: Feed;
}

/** What a filter may ask for that differs from client to client. */
const OF_CLIENTS: ReadonlySet<string> = new Set(['claims', 'scopes', 'params']);

/** A topic that channels read. */
interface ServedTopic {
  readonly feed: Feed;
  readonly value: ValueKind;
  readonly paths: Set<ServedPath>;
  /** Whether the gateway is not ready without it. */
  readonly isAwaited: boolean;
  /** Ends its reading; `null` until that has begun. */
  end: LinkedAbort | null;
}

interface ServedPath {
  readonly definition: ChannelDefinition;
  readonly served: Served;
  readonly end: AbortController;
}

/**
 * The channels of a gateway, by path. They come and go while it runs, and with them their topics: a
 * topic is read from its first channel to its last, whatever happens to the others.
 */
export class Channels implements Iterable<Served> {
  readonly #createFeed: (topic: string, value: ValueKind) => Feed;
  readonly #byPath = new Map<string, ServedPath>();
  readonly #topics = new Map<string, ServedTopic>();
  readonly #readings = new Set<Promise<void>>();
  /** Those of streams and those of topics, made anew once they have changed. */
  #trees: readonly PathTree<Served>[] | null = null;
  /** Ends all; `null` until `run`. */
  #signal: AbortSignal | null = null;

  constructor(createFeed: (topic: string, value: ValueKind) => Feed) {
    this.#createFeed = createFeed;
  }

  *[Symbol.iterator](): Iterator<Served> {
    for (const { served } of this.#byPath.values()) yield served;
  }

  /** The channel that the path of a request names, and its parameters; each segment is decoded once. */
  find(pathname: string): Found<Served> | null {
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

  /**
   * Several topics by a path that names them, `/a,b`. To be asked where nothing else has that path.
   * @returns `null` where one of them has no path of its own
   */
  findSeveral(pathname: string): Found<Served> | null {
    const [name = '', ...others] = segmentsOf(pathname) ?? [];
    if (others.length > 0 || !name.includes(',')) return null;
    const parts = name.split(',').map((topic) => {
      const { served } = this.#byPath.get(`/${topic}`) ?? {};
      const [part] = served?.isStream === true ? [] : (served?.parts ?? []);
      return part;
    });
    if (!parts.every((part) => part !== undefined)) return null;
    const signal = {
      get aborted(): boolean {
        return parts.some((part) => part.signal.aborted);
      },
    };
    const segments = [{ literal: name }];
    const value = { path: `/${name}`, topic: name, segments, parts: inOrder(parts), signal };
    return { value, params: {} };
  }

  #plant(): PathTree<Served>[] {
    const streams = new PathTree<Served>();
    const topics = new PathTree<Served>();
    for (const { served } of this.#byPath.values()) {
      (served.isStream ? streams : topics).set(served.segments, served);
    }
    return [streams, topics];
  }

  /** Serves these and no others from now on. What is as it was goes on untouched. */
  replace(definitions: readonly ChannelDefinition[]): void {
    const wanted = new Map(definitions.map((definition) => [definition.path, definition]));
    const before = new Map(this.#byPath);
    for (const [path, known] of this.#byPath) {
      const definition = wanted.get(path);
      if (definition === undefined || !isSame(known.definition, definition)) this.#remove(known);
    }
    // A topic whose values are something else now has no channel left: it is read anew.
    for (const { topic, value = 'bytes' } of definitions.flatMap(topicsOf)) {
      if (this.#topics.get(topic)?.value !== value) this.#endUnused(topic);
    }
    for (const definition of definitions) {
      const { path } = definition;
      if (!this.#byPath.has(path)) this.#add(definition, before.get(path));
    }
    this.#endUnused();
    this.#keepGuards();
  }

  /**
   * Serves a channel from now on.
   * @throws Error where the path is taken
   */
  add(definition: ChannelDefinition): Served {
    const served = this.#add(definition);
    this.#keepGuards();
    return served;
  }

  /** @param before what the path was before */
  #add(definition: ChannelDefinition, before?: ServedPath): Served {
    const { path } = definition;
    if (this.#byPath.has(path)) throw new Error(`${path} is served already: drop it first`);
    const end = new AbortController();
    const isAsBefore = before !== undefined && whatOf(before.definition) === whatOf(definition);
    const since = this.#signal === null ? 0 : Date.now();
    const whereSince = isAsBefore ? before.served.parts[0]!.whereSince : since;
    const parts = topicsOf(definition).map((one) => {
      return this.#part(definition, one, end.signal, whereSince);
    });
    const served = parts.length === 1 ? parts[0]! : severalOf(definition, parts);
    const known = { definition, served, end };
    this.#byPath.set(path, known);
    this.#trees = null;
    for (const { topic } of parts) this.#topics.get(topic)!.paths.add(known);
    return served;
  }

  #part(
    definition: ChannelDefinition,
    said: TopicOfSeveral,
    signal: AbortSignal,
    whereSince: number,
  ): Channel {
    const { path, isStream = false, require = null, where = null } = definition;
    const { every = null, compression = true, hasOpenKeys = false } = definition;
    const { topic, value = 'bytes' } = said;
    const { feed } = this.#topics.get(topic) ?? this.#addTopic(topic, value);
    const segments = definition.segments ?? path.slice(1).split('/').map(literalOf);
    const parts: Channel[] = [];
    const part = {
      path,
      isStream,
      require,
      every,
      compression,
      hasOpenKeys,
      topic,
      value,
      segments,
      right: rightOf(require, segments),
      where: whereOf(where, segments),
      whereSince,
      feed,
      parts,
      signal,
    };
    parts.push(part);
    return part;
  }

  /** Ends the streams of a channel, and the reading of its topic where no other channel needs it. */
  drop(path: string): void {
    const known = this.#byPath.get(path);
    if (known === undefined) return;
    this.#remove(known);
    this.#endUnused();
    this.#keepGuards();
  }

  /** What each topic has to know of what its channels let through. */
  #keepGuards(): void {
    for (const { feed, paths } of this.#topics.values()) {
      const parts = [...paths].flatMap(({ served }) => served.parts);
      const ofFeed = parts.filter((part) => part.feed === feed && !part.hasOpenKeys);
      feed.keepGuards(ofFeed.map(guardOf).filter((guard) => guard !== null));
    }
  }

  #remove(known: ServedPath): void {
    this.#byPath.delete(known.served.path);
    this.#trees = null;
    known.end.abort();
    for (const { topic } of known.served.parts) this.#topics.get(topic)!.paths.delete(known);
  }

  /** Ends the reading of topics that no channel needs any more; of one alone where it is named. */
  #endUnused(only?: string): void {
    for (const [name, topic] of this.#topics) {
      if (topic.paths.size > 0 || (only ?? name) !== name) continue;
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
    const topic: ServedTopic = { feed, value, paths: new Set(), isAwaited, end: null };
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

/** One of the guards that its clients have; `null` where they differ in more than constants, or hide no keys. */
function guardOf({ where, topic }: Channel): Filter | null {
  if (where === null) return null;
  const parts = shapeParts(where.given({ topic }), OF_CLIENTS);
  const guard = parts === null ? null : new Filter(parts.equalities, parts.conditions);
  return guard?.isOfKey === true ? null : guard;
}

/** What a stream lets through, of which topics. */
function whatOf({ where = null, hasOpenKeys = false, ...definition }: ChannelDefinition): string {
  return JSON.stringify([where, hasOpenKeys, topicsOf({ ...definition })]);
}

function topicsOf(definition: ChannelDefinition): readonly TopicOfSeveral[] {
  return inOrder(namedTopics(definition));
}

/** As a cursor of several topics has them. Kafka's names are ASCII. */
function inOrder<T extends { readonly topic: string }>(topics: readonly T[]): readonly T[] {
  return topics.toSorted((a, b) => (a.topic < b.topic ? -1 : 1));
}

function severalOf(definition: ChannelDefinition, parts: readonly Channel[]): Served {
  const { path, segments, signal, isStream = false } = parts[0]!;
  return { path, topic: definition.topic, isStream, segments, parts, signal };
}

/** Whether a stream of the one may go on as one of the other. */
function isSame(a: ChannelDefinition, b: ChannelDefinition): boolean {
  const saidOf = (one: ChannelDefinition): string => {
    const {
      isStream = false,
      require = null,
      where = null,
      every = null,
      compression = true,
      hasOpenKeys = false,
    } = one;
    const how = [isStream, require, where, every, compression, hasOpenKeys];
    return JSON.stringify([how, topicsOf(one)]);
  };
  return saidOf(a) === saidOf(b);
}
