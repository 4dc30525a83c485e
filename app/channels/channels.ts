import type { Feed } from '../feed/feed.ts';
import { LinkedAbort } from '../waits/abortable.ts';

/** What a path is to serve. */
export interface ChannelDefinition {
  /** From the slash on, percent-decoded. */
  readonly path: string;
  readonly topic: string;
}

/** What a path serves, for as long as it does. */
export interface Channel extends ChannelDefinition {
  /** The feed of its topic, which other channels may share. */
  readonly feed: Feed;
  /** Aborts once the channel is dropped: its streams have to end. */
  readonly signal: AbortSignal;
}

/** A topic that channels read. */
interface ServedTopic {
  readonly feed: Feed;
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
  readonly #createFeed: (topic: string) => Feed;
  readonly #byPath = new Map<string, ServedChannel>();
  readonly #topics = new Map<string, ServedTopic>();
  readonly #readings = new Set<Promise<void>>();
  /** Ends all; `null` until `run`. */
  #signal: AbortSignal | null = null;

  constructor(createFeed: (topic: string) => Feed) {
    this.#createFeed = createFeed;
  }

  [Symbol.iterator](): Iterator<Channel> {
    return this.#byPath.values();
  }

  /** The channel that the path of a request names; percent-encoding is decoded once. */
  find(path: string): Channel | undefined {
    try {
      return this.#byPath.get(decodeURIComponent(path));
    } catch {
      return undefined;
    }
  }

  /**
   * Serves a channel from now on.
   * @throws Error where the path is taken
   */
  add(definition: ChannelDefinition): Channel {
    const { path, topic: name } = definition;
    if (this.#byPath.has(path)) throw new Error(`${path} is served already: drop it first`);
    const topic = this.#topics.get(name) ?? this.#addTopic(name);
    const end = new AbortController();
    const channel = { ...definition, feed: topic.feed, signal: end.signal, end };
    this.#byPath.set(path, channel);
    topic.channels.add(channel);
    return channel;
  }

  /** Ends the streams of a channel, and the reading of its topic where no other channel needs it. */
  drop(path: string): void {
    const channel = this.#byPath.get(path);
    if (channel === undefined) return;
    this.#byPath.delete(path);
    channel.end.abort();
    const topic = this.#topics.get(channel.topic)!;
    topic.channels.delete(channel);
    if (topic.channels.size > 0) return;
    this.#topics.delete(channel.topic);
    topic.end?.abort();
    topic.end?.letGo();
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

  #addTopic(name: string): ServedTopic {
    const feed = this.#createFeed(name);
    const isAwaited = this.#signal === null;
    const topic: ServedTopic = { feed, channels: new Set(), isAwaited, end: null };
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
