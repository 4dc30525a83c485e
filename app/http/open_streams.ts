import { getLogger } from '@logtape/logtape';
import type { Channel, Served } from '../channels/channels.ts';
import type { Config } from '../config/config.ts';
import type { ClientConnection } from '../ports/client_connection.ts';
import type { EndReason, RefusalReason, StreamObserver } from '../ports/stream_observer.ts';
import type { StreamSlots } from './stream_slots.ts';
import { type Asker, StreamWatch } from './stream_watch.ts';

const logger = getLogger(['sse-kafka', 'http']);

type Times = Pick<Config, 'heartbeatSeconds' | 'maxAgeSeconds' | 'stallSeconds'>;

/** Sweeps in the shortest of those times, of an age in its spread: each is kept to an eighth. */
const SWEEPS_PER_TIME = 8;
const MAX_SWEEP_MS = 1000;
/** MAX_AGE_SECONDS less this share of it at random: clients that came together go one by one. */
const AGE_SPREAD = 0.2;
const DRAIN_STEP_MS = 20;

/** What a stream is of. */
export interface StreamedChannel extends Pick<Served, 'topic' | 'signal'> {
  readonly parts: readonly Pick<Channel, 'topic'>[];
}

/** A stream as those who let it in and let it go know it. */
export interface OpenStream {
  readonly channel: StreamedChannel;
  /** The client's IP address. */
  readonly address: string;
  /** Of its request, cut; `null` where it is of no use. */
  readonly userAgent: string | null;
  /** Handed over so far. */
  readonly events: number;
  readonly bytes: number;
  /** How many records it has yet to get; `null` before its start is known. */
  readonly behind: number | null;
  /** The sweep in which something was last sent. */
  readonly lastSent: number;
  /**
   * Tells its place, if nothing else is under way and that is due.
   * @param isIdle whether it has to show that it lives, with a comment where nothing is due
   */
  beat(isIdle: boolean): void;
  /** Whether its client waits, with an id that is about to be too old. */
  readonly isAgeing: boolean;
  /** Ends the response where a block ends. */
  end(reason: EndReason): void;
}

/**
 * The streams that are open: the one place where a stream is let in and let go. One sweep for all
 * sends the heartbeats and finds who is too old or stalled, or of a channel that was dropped: timers
 * are a cost.
 */
export class OpenStreams {
  /** Counts sweeps: the clock by which a stream is idle. */
  sweeps = 0;
  /** Whether no more are let in, for good. */
  isDraining = false;
  /** How many there were. */
  #count = 0;
  readonly #streams = new Map<OpenStream, StreamWatch>();
  /** Those that are over, but of which the client has not taken the last bytes yet. */
  readonly #leaving = new Set<StreamWatch>();
  readonly #slots: StreamSlots;
  readonly #observer: StreamObserver;
  readonly #maxAgeMs: number;
  readonly #stallMs: number;
  readonly #sweepMs: number;
  /** Sweeps without a byte after which a stream is idle. */
  readonly #sweepsPerHeartbeat: number;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(times: Times, slots: StreamSlots, observer: StreamObserver) {
    const milliseconds = [times.heartbeatSeconds, times.maxAgeSeconds, times.stallSeconds].map(
      (seconds) => (seconds === 0 ? Number.POSITIVE_INFINITY : seconds * 1000),
    );
    const [heartbeatMs, maxAgeMs, stallMs] = milliseconds as [number, number, number];
    this.#maxAgeMs = maxAgeMs;
    this.#stallMs = stallMs;
    const shortestMs = Math.min(heartbeatMs, maxAgeMs * AGE_SPREAD, stallMs);
    this.#sweepMs = Math.min(MAX_SWEEP_MS, shortestMs / SWEEPS_PER_TIME);
    this.#sweepsPerHeartbeat = Math.round(heartbeatMs / this.#sweepMs);
    this.#slots = slots;
    this.#observer = observer;
  }

  /**
   * Takes a slot for a stream, which has to be added then.
   * @param lacks what there is no room for beside; `null`: nothing
   * @returns why there is none, or `null`.
   */
  async admit(address: string, lacks: RefusalReason | null = null): Promise<RefusalReason | null> {
    let refusal = this.isDraining ? 'drain' : (lacks ?? (await this.#slots.take(address)));
    if (refusal === null && this.isDraining) {
      // The drain began while it was asked for.
      this.#slots.release(address);
      refusal = 'drain';
    }
    if (refusal === null) return null;
    this.#observer.refused(refusal);
    logger.debug('A stream is refused: {reason}', { reason: refusal, address });
    return refusal;
  }

  add(stream: OpenStream, connection: ClientConnection, asker: Asker): void {
    const now = performance.now();
    const age = this.#maxAgeMs * (1 - AGE_SPREAD * Math.random());
    // A sweep earlier, so that it is never older.
    const endsAt = now + age - this.#sweepMs;
    const watch = new StreamWatch(this.#count++, asker, connection, now, endsAt);
    this.#streams.set(stream, watch);
    connection.watched?.();
    this.#timeExpiry(watch, stream);
    const { channel, address } = stream;
    for (const { topic } of channel.parts) this.#observer.opened(topic);
    logger.debug('A stream of {topic} is open', { topic: channel.topic, address });
    this.#timer ??= setInterval(() => this.#sweep(), this.#sweepMs);
    // It began since the slot was granted; nobody would end it any more.
    if (this.isDraining) stream.end('drain');
  }

  /** Those that are open, and what is known of each. */
  get all(): ReadonlyMap<OpenStream, StreamWatch> {
    return this.#streams;
  }

  /** Lets a stream go, the first time that it is called. */
  delete(stream: OpenStream, reason: EndReason): void {
    const watch = this.#streams.get(stream);
    if (watch === undefined) return;
    this.#streams.delete(stream);
    if (reason !== 'client') this.#leaving.add(watch);
    const { address, channel, events, bytes, userAgent } = stream;
    const { topic } = channel;
    this.#slots.release(address);
    for (const part of channel.parts) this.#observer.closed(part.topic, reason);
    if (!logger.isEnabledFor('debug')) return;
    const seconds = Math.round(performance.now() - watch.openedAt) / 1000;
    const what = { topic, reason, seconds, events, bytes, address, userAgent };
    logger.debug('A stream of {topic} is over: {reason}', what);
  }

  /**
   * Lets no more streams in, and ends each at a random moment of that time: all clients at once
   * would be a storm for those who take them over. Over with the last of them.
   */
  async drain(milliseconds: number): Promise<void> {
    this.isDraining = true;
    const deadline = performance.now() + milliseconds;
    for (
      let last = performance.now(), now = last;
      now < deadline && this.#streams.size > 0;
      last = now
    ) {
      await new Promise((resolve) => setTimeout(resolve, DRAIN_STEP_MS));
      now = performance.now();
      // Of those that are left, which gives each of them any moment with the same chance.
      const chance = (now - last) / (deadline - last);
      for (const stream of this.#streams.keys()) if (Math.random() < chance) stream.end('drain');
    }
    this.endAll();
  }

  endAll(): void {
    this.isDraining = true;
    for (const stream of this.#streams.keys()) stream.end('drain');
  }

  /** A timer only for what is due before the sweep after the next one, and then to the millisecond. */
  #timeExpiry(watch: StreamWatch, stream: OpenStream | null): void {
    const { expiry } = watch;
    if (expiry === null) return;
    const now = Date.now();
    const soon = now + 2 * this.#sweepMs;
    if (stream !== null && !expiry.isEndTimed && expiry.endsAt <= soon) {
      expiry.isEndTimed = true;
      setTimeout(() => stream.end('expired'), expiry.endsAt - now);
    }
    if (!expiry.isCutTimed && expiry.cutsAt <= soon) {
      expiry.isCutTimed = true;
      setTimeout(() => this.#cutExpired(watch, stream), expiry.cutsAt - now);
    }
  }

  /** What is not handed over when the token is over is not for this client any more. */
  #cutExpired(watch: StreamWatch, stream: OpenStream | null): void {
    const isOpen = stream !== null && this.#streams.has(stream);
    if (!isOpen && watch.hasTakenAll) return;
    if (isOpen) this.delete(stream, 'expired');
    watch.cut();
  }

  #sweep(): void {
    this.sweeps++;
    const now = performance.now();
    for (const [stream, watch] of this.#streams) {
      this.#timeExpiry(watch, stream);
      if (watch.look(now) >= this.#stallMs) {
        this.delete(stream, 'stalled');
        watch.cut();
      } else if (now >= watch.endsAt) {
        stream.end('max_age');
      } else if (stream.channel.signal.aborted) {
        stream.end('config');
      } else if (watch.hasTakenAll) {
        const isIdle = this.sweeps - stream.lastSent > this.#sweepsPerHeartbeat;
        if (isIdle || stream.isAgeing) stream.beat(isIdle);
      }
    }
    for (const watch of this.#leaving) {
      this.#timeExpiry(watch, null);
      const isStalled = watch.look(now) >= this.#stallMs;
      if (isStalled) watch.cut();
      if (isStalled || watch.hasTakenAll) this.#leaving.delete(watch);
    }
    if (this.#streams.size + this.#leaving.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
