import { getLogger } from '@logtape/logtape';
import { Traffic } from '../counts/traffic.ts';
import { HistoryPool } from '../history/history_pool.ts';
import { jumpedPartitions } from '../history/jumps.ts';
import type { SharedReaders } from '../history/reader_slots.ts';
import { Scans } from '../history/scans.ts';
import { Facts } from '../log/facts.ts';
import { IdClock } from '../log/id_clock.ts';
import { KeyIndex } from '../log/key_index.ts';
import { type Dropped, HISTORY_SHARE, Log } from '../log/log.ts';
import type {
  Batch,
  OffsetSpec,
  Offsets,
  RecordSource,
  TopicDescription,
  TopicQuestions,
} from '../ports/source.ts';
import { PageWriter } from '../stretches/page_writer.ts';
import { SharedPages } from '../stretches/shared_pages.ts';
import { Sleepers } from '../stretches/sleepers.ts';
import type { Start } from '../stretches/step.ts';
import { Subscription } from '../stretches/subscription.ts';
import type { Topic, TopicClient, TopicState } from '../stretches/topic.ts';
import { MAX_TURN_MS, Turns } from '../stretches/turns.ts';
import type { Filter } from '../views/filter.ts';
import { OpenViews } from '../views/open_views.ts';
import type { View } from '../views/view.ts';
import { abortableDelay, backoff, LinkedAbort, untilAborted } from '../waits/abortable.ts';
import { nameHashOf } from '../wire/cursor.ts';
import type { Positions } from '../wire/place.ts';
import { areSame, type TopicId } from '../wire/topic_id.ts';
import type { Until } from '../wire/until.ts';
import { CaughtUp } from './caught_up.ts';
import { fanOut } from './fan_out.ts';
import { Freshness } from './freshness.ts';
import { Questions } from './questions.ts';
import { Tombstones } from './tombstones.ts';
import { ASK_MS, askTopicState, isOfTopic, toPositions } from './topic_state.ts';

const logger = getLogger(['sse-kafka', 'feed']);

/**
 * How often the topic is looked at again: id, partitions, policy, log starts and ends. On compacted
 * topics of a short `delete.retention.ms` more often, see `IdClock`.
 */
const WATCH_MS = 4000;
/** How often it is looked whether a topic that does not exist exists now. */
const MISSING_MS = 1000;

/** When brokers that deny a partition are asked for it again. */
const DENIED_AGAIN_MS = 10_000;
/**
 * So often in a row a log is begun anew because deletes may be missing. Where reading the topic takes
 * longer than `delete.retention.ms` each time, none would ever be loaded.
 */
const MAX_BEGUN_ANEW = 3;
/** So many times are looked for at once: each is a question of its own to the leaders. */
const TIMES_AT_ONCE = 8;

/** Shapes of filters that are open at once, see `OpenViews`. */
const MAX_SCANNED_VIEWS = 200;

interface FeedOptions {
  /** When brokers that deny a partition are asked for it again. */
  readonly deniedAgainMs?: number;
  readonly maxScannedViews?: number;
  /** How many changes are kept of what guards let through. */
  readonly maxChanges?: number;
  /** By which filters work. */
  readonly turns?: Turns;
}

/** An answer, and the log for which it holds: `null` where the topic is another by now. */
interface Answer<T> {
  readonly log: Log | null;
  readonly answer: T | null;
}

/**
 * One topic: one reader of Kafka whatever the number of clients, which appends to the log and
 * wakes who waits there.
 */
export class Feed implements Topic {
  readonly topic: string;
  /** By which cursors of several topics name it. */
  readonly nameHash: Promise<Uint8Array>;
  readonly traffic: Traffic = new Traffic();
  readonly clients: Set<TopicClient> = new Set();
  readonly page: PageWriter = new PageWriter();
  readonly pages: SharedPages = new SharedPages();
  readonly turns: Turns;
  readonly facts: Facts;
  /** The views that its clients have. */
  readonly views: OpenViews;
  readonly deniedAgainMs: number;
  readonly #source: RecordSource;
  readonly #maxBytes: number;
  readonly #maxChanges: number | undefined;
  readonly #readers: SharedReaders;
  readonly sleepers: Sleepers = new Sleepers();
  readonly #freshness = new Freshness(() => this.sleepers.wakeAll());
  /** Ends when the gateway does. */
  readonly #closed = new AbortController();
  /** Of the topic as it is now. */
  readonly #stateQuestions: Questions<'state', Answer<TopicState>> = new Questions({
    ask: async () => new Map([['state', await this.#askState()]]),
    atOnce: 1,
    signal: this.#closed.signal,
  });
  /** Of times. */
  readonly #timeQuestions: Questions<number, Answer<Offsets>> = new Questions({
    ask: (times) => this.#askTimes(times),
    atOnce: TIMES_AT_ONCE,
    signal: this.#closed.signal,
  });
  #description: TopicDescription | null = null;
  #log: Log | null = null;
  #history: HistoryPool | null = null;
  #scans: Scans | null = null;
  /** Of what may differ in constants alone: which keys its clients may see. */
  #guards: readonly Filter[] = [];
  /** On compacted topics. */
  #tombstones: Tombstones | null = null;
  #caughtUp = new CaughtUp(0);
  /** Whether deletes may be missing in the log, for which another is to be begun. */
  #lacksDeletes = false;
  /** How often in a row that was so before the log had everything. */
  #begunAnew = 0;
  /** Log starts, a few seconds old at the most. */
  #starts: Positions = new Float64Array(0);
  #ends: Offsets = new Map();
  /** Questions for them are numbered: what was asked earlier and answered later is old. */
  #asked = 0;
  #endsOf = 0;
  /** Whether Kafka was ever seen to delete from the front: its policy may change. */
  #mayHaveDeleted = false;
  /** Where the log counts as loaded. */
  #target = new Map<number, number>();
  #loaded = false;
  #wasLoaded = false;
  /** How often in a row the brokers said that the topic does not exist. */
  #looksWithoutTopic = 0;
  /** The round under way: once it ends the next one looks at the topic anew. */
  #roundUnderWay = new AbortController();

  /**
   * @param readers shared with other topics
   */
  constructor(
    topic: string,
    source: RecordSource,
    maxBytes: number,
    readers: SharedReaders,
    options: FeedOptions = {},
  ) {
    this.topic = topic;
    this.nameHash = nameHashOf(topic);
    this.deniedAgainMs = options.deniedAgainMs ?? DENIED_AGAIN_MS;
    this.turns = options.turns ?? new Turns(undefined, MAX_TURN_MS);
    this.facts = new Facts(this.turns);
    this.views = new OpenViews(options.maxScannedViews ?? MAX_SCANNED_VIEWS);
    this.#source = source;
    this.#maxBytes = maxBytes;
    this.#maxChanges = options.maxChanges;
    this.#readers = readers;
  }

  /** What the brokers said of the topic last; `null` until they did. */
  get description(): TopicDescription | null {
    return this.#description;
  }

  /** What the topic lacks until it has been loaded once, in words; `null` from then on. */
  get missing(): string | null {
    if (this.#wasLoaded) return null;
    if (this.#log !== null) return `topic ${this.topic} is being loaded`;
    if (this.#looksWithoutTopic > 0) return `topic ${this.topic} does not exist yet`;
    return `topic ${this.topic} is not known yet`;
  }

  get id(): TopicId | null | undefined {
    if (this.#log !== null) return this.#log.topicId;
    return this.#looksWithoutTopic > 0 ? null : undefined;
  }

  /** The log, loaded or not; `null` until the topic is known. */
  get log(): Log | null {
    return this.#log;
  }

  /**
   * The log, once it is loaded: a compacted topic was read up to where it ended, on another the
   * reader stands at the end.
   */
  get loadedLog(): Log | null {
    return this.#loaded ? this.#log : null;
  }

  get starts(): Positions {
    return this.#starts;
  }

  /** The ends as they were seen last. */
  get ends(): Offsets {
    return this.#ends;
  }

  get staleBlock(): Uint8Array | null {
    return this.#freshness.staleBlock;
  }

  get idClock(): IdClock | null {
    return this.#log === null ? null : this.#log.clock;
  }

  get history(): HistoryPool {
    return this.#history!;
  }

  get scans(): Scans {
    return this.#scans!;
  }

  /** From now on it is known what comes into and goes out of guards that differ from these in constants alone. */
  keepGuards(examples: readonly Filter[]): void {
    this.#guards = examples;
    this.#log?.guards?.keep(examples);
  }

  /** Reads until `signal` aborts; brokers that do not answer are asked again. */
  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.#closed.abort(signal.reason), { once: true });
    void this.#freshness.watch(signal);
    for (let failures = 0; !signal.aborted; ) {
      const round = new LinkedAbort(signal);
      this.#roundUnderWay = round;
      try {
        await this.#round(round.signal);
        failures = 0;
      } catch (error) {
        if (signal.aborted) break;
        logger.debug('Cannot read topic {topic}, trying again: {error}', {
          topic: this.topic,
          error,
        });
        await abortableDelay(backoff(++failures), signal);
      } finally {
        round.letGo();
      }
    }
    this.#history?.close();
    this.sleepers.beats.close();
  }

  /** @param until when it is over; `null` for never */
  subscribe(view: View, start: Start, until: Until | null = null): Subscription {
    return new Subscription(this, view, start, this.sleepers, until);
  }

  /**
   * Asks for the topic as the brokers have it now. `null` where it is not what this feed reads any
   * more: then the feed looks at it anew, and whoever asked has to start over.
   * @returns how to take the question back
   */
  askState(log: Log, use: (state: TopicState | null) => void): () => void {
    return this.#stateQuestions.ask('state', (found) =>
      use(found.log === log ? found.answer : null),
    );
  }

  /**
   * Asks for the offsets of a time, or else the ends, in all partitions of a log; `null` once it is
   * not the feed's any more.
   * @returns how to take the question back
   */
  askOffsets(log: Log, time: number, use: (offsets: Offsets | null) => void): () => void {
    return this.#timeQuestions.ask(time, (found) => use(found.log === log ? found.answer : null));
  }

  async #askState(): Promise<Answer<TopicState>> {
    const log = this.#log;
    const positions = log?.positions.slice();
    const state = await this.#stateFrom(this.#source.forClients);
    if (state !== null && log !== null && this.#continues(state, log, positions!)) {
      return { log, answer: state };
    }
    this.#roundUnderWay.abort();
    await abortableDelay(MISSING_MS, this.#closed.signal);
    return { log, answer: null };
  }

  async #askTimes(times: readonly number[]): Promise<Map<number, Answer<Offsets>>> {
    const log = this.#log;
    const partitions = Array.from(log?.positions ?? [], (_, partition) => partition);
    const deadline = new LinkedAbort(this.#closed.signal);
    const timer = setTimeout(() => deadline.abort(new Error('no answer')), ASK_MS);
    const ask = (at: OffsetSpec): Promise<Offsets> =>
      this.#source.forClients.offsets(this.topic, partitions, at, deadline.signal);
    try {
      // Asked for first: a record that comes between the two questions lies past this end.
      const ends = await ask('latest');
      const found = await Promise.allSettled(times.map(ask));
      const answers = new Map<number, Answer<Offsets>>();
      found.forEach((one, n) => {
        if (one.status === 'rejected') return;
        answers.set(times[n]!, { log, answer: new Map([...ends, ...one.value]) });
      });
      return answers;
    } finally {
      clearTimeout(timer);
      deadline.letGo();
    }
  }

  async #stateFrom(source: TopicQuestions): Promise<TopicState | null> {
    const { signal } = this.#closed;
    const asked = ++this.#asked;
    const state = await askTopicState(source, this.topic, this.#description, signal);
    this.#freshness.answered();
    if (state !== null && asked > this.#endsOf) {
      this.#ends = state.ends;
      this.#endsOf = asked;
    }
    return state;
  }

  /** From a look at the topic until something of what was seen has changed. */
  async #round(signal: AbortSignal): Promise<void> {
    const askedAt = Date.now();
    const state = await askTopicState(this.#source, this.topic, this.#description, signal);
    this.#freshness.answered();
    this.#looksWithoutTopic = state === null ? this.#looksWithoutTopic + 1 : 0;
    if (state === null) {
      this.#warnOfMissing();
      // Who came with the id of another topic waits to hear that it is not of this one.
      if (this.#looksWithoutTopic === 1) this.sleepers.wakeAll();
      await abortableDelay(MISSING_MS, signal);
      return;
    }
    const log = this.#apply(state, askedAt);
    this.#noteEnds(log, askedAt, state);
    const watched = this.#watch(log, signal);
    try {
      this.#checkLoaded(log);
      const from = new Map([...log.positions].map((offset, partition) => [partition, offset]));
      for await (const batch of this.#source.read(state.description, from, signal)) {
        await this.#append(log, batch, signal);
      }
    } finally {
      this.#roundUnderWay.abort();
      await watched;
    }
  }

  /** At the second look: a topic that was just created is not known to every broker at once. */
  #warnOfMissing(): void {
    if (this.#looksWithoutTopic !== 2) return;
    logger.warn(
      'Topic {topic} does not exist: create it, or correct TOPICS. Its streams open and stay silent until it does',
      { topic: this.topic },
    );
  }

  async #append(log: Log, batch: Batch, signal: AbortSignal): Promise<void> {
    for (const { partition, offset } of batch.records) {
      if (offset < log.positions[partition]!) throw new Error('the log was cut');
    }
    if (this.#mayLackDeletes(log, batch)) {
      this.#lacksDeletes = true;
      throw new Error('deletes may be missing');
    }
    const lows = await this.#lows(log, batch, signal);
    const { lastGapSeq } = log;
    log.append(batch, lows);
    this.#noteRead(log);
    this.traffic.recordsRead += batch.records.length;
    this.#checkLoaded(log);
    const matched = log.selections.takeMatched();
    // A gap is told to all.
    if (log.lastGapSeq > lastGapSeq) this.sleepers.wakeAll();
    await fanOut(this.sleepers, matched, batch.records.length, signal);
  }

  /**
   * Whether Kafka may have dropped deletes before they were read: then a key that was deleted would
   * stay in memory and with clients for ever. Where no offset is missing nothing was dropped.
   */
  #mayLackDeletes({ clock, positions }: Log, batch: Batch): boolean {
    if (clock?.isBehind !== true || this.#begunAnew > MAX_BEGUN_ANEW) return false;
    if (jumpedPartitions(batch, (partition) => positions[partition]!).length === 0) return false;
    if (++this.#begunAnew <= MAX_BEGUN_ANEW) return true;
    logger.warn(
      'Reading topic {topic} takes longer than its delete.retention.ms: deletes may be missing. Raise it',
      { topic: this.topic },
    );
    return false;
  }

  #noteEnds(log: Log, askedAt: number, { description, ends }: TopicState): void {
    if (log.clock === null) return;
    this.#caughtUp.looked(askedAt, toPositions(description, ends));
    this.#noteRead(log);
  }

  #noteRead({ clock, positions }: Log): void {
    if (clock === null) return;
    this.#caughtUp.hasRead(positions);
    clock.caughtUpAt = this.#caughtUp.at;
    if (this.#loaded && !clock.isBehind) this.#begunAnew = 0;
  }

  /** Log starts of the partitions in which a batch jumps. */
  async #lows(log: Log, batch: Batch, signal: AbortSignal): Promise<Offsets> {
    // A topic that is only compacted is all jumps, and Kafka deletes nothing from its front.
    if (!this.#loaded && !this.#mayHaveDeleted) return new Map();
    const jumped = jumpedPartitions(batch, (partition) => log.positions[partition]!);
    if (jumped.length === 0) return new Map();
    return this.#source.offsets(this.topic, jumped, 'earliest', signal);
  }

  /** Takes what was seen of the topic: goes on with the log, or begins another. */
  #apply(state: TopicState, askedAt: number): Log {
    const known = this.#log;
    this.#see(state);
    if (known !== null && this.#continues(state, known, known.positions)) {
      if (known.positions.length < state.description.partitions) known.addPartitions(this.#starts);
      this.sleepers.wakeAll();
      return known;
    }
    const log = this.#begin(state, askedAt);
    const history = this.#history;
    log.onDropped = (dropped) => this.#tellOfDropped(dropped);
    this.#log = log;
    this.#tombstones = log.keys === null ? null : new Tombstones(log.keys, log.start);
    this.#history = new HistoryPool({
      source: this.#source,
      topic: state.description,
      maxBytes: this.#maxBytes * HISTORY_SHARE,
      traffic: this.traffic,
      log,
      slots: this.#readers.history,
    });
    this.#scans = new Scans(log, this.#history, this.turns, this.traffic.filterRecords);
    this.#loaded = false;
    if (known !== null) {
      known.successor = log;
      this.#tellOfSuccessor(known, state);
    }
    this.#lacksDeletes = false;
    // Only now: it wakes clients, who have to find the new log.
    history?.close();
    this.sleepers.wakeAll();
    return log;
  }

  #tellOfSuccessor(known: Log, { description }: TopicState): void {
    const { topic } = this;
    if (!areSame(known.topicId, description.id))
      logger.warn('Topic {topic} was made anew', { topic });
    else if (this.#lacksDeletes)
      logger.warn(
        'Topic {topic} could not be read for longer than its delete.retention.ms: it is read from its beginning, and its clients start over',
        { topic },
      );
    else logger.warn('Topic {topic} was cut, or has another cleanup.policy', { topic });
  }

  /** What retention has taken is told by another gap. */
  #tellOfDropped({ log, seq, past }: Dropped): void {
    const kept = past.map((end, partition) => (end > (this.#starts[partition] ?? 0) ? end : 0));
    if (kept.every((end) => end === 0)) return;
    for (const client of this.clients) client.lacks({ log, seq, past: kept });
  }

  #see({ description, starts }: TopicState): void {
    this.#description = description;
    this.#starts = toPositions(description, starts);
    this.#mayHaveDeleted ||= description.deletes;
    const { clock } = this.#log ?? { clock: null };
    if (clock !== null && description.deleteRetentionMs !== null) {
      clock.retentionMs = description.deleteRetentionMs;
    }
  }

  /** @param askedAt its end was asked for then, or later */
  #begin({ description, ends }: TopicState, askedAt: number): Log {
    this.#caughtUp = new CaughtUp(askedAt);
    const end = toPositions(description, ends);
    this.#target = new Map(ends);
    this.#ends = ends;
    const log = new Log({
      topic: this.topic,
      topicId: description.id,
      start: description.compacted ? this.#starts : end,
      maxBytes: this.#maxBytes,
      keys: description.compacted ? new KeyIndex() : null,
      clock: description.compacted ? newClock(description, askedAt) : null,
      values: this.#source.values,
      tally: this.traffic.filterRecords,
      maxChanges: this.#maxChanges,
    });
    log.guards?.keep(this.#guards);
    return log;
  }

  #continues(state: TopicState, log: Log, positions: Positions): boolean {
    return log === this.#log && !this.#lacksDeletes && isOfTopic(log, positions, state);
  }

  /** Ends the round once the topic is not any more what it was when the round began. */
  async #watch(log: Log, signal: AbortSignal): Promise<void> {
    for (let askedAt = Date.now(); !signal.aborted; ) {
      const lookMs = log.clock?.lookMs ?? WATCH_MS;
      await abortableDelay(Math.max(0, askedAt + lookMs - Date.now()), signal);
      if (signal.aborted) return;
      askedAt = Date.now();
      const positions = log.positions.slice();
      try {
        const state = await untilAborted(this.#stateFrom(this.#source), signal);
        if (state === null || !this.#continues(state, log, positions)) break;
        if (state.description.partitions !== log.positions.length) break;
        this.#see(state);
        this.#noteEnds(log, askedAt, state);
        this.#lowerTarget(log, state.ends);
        this.sleepers.wakeAhead();
        this.#forgetDeletes(log, state.description, signal);
      } catch (error) {
        logger.debug('Cannot look at topic {topic}: {error}', { topic: this.topic, error });
      }
    }
    this.#roundUnderWay.abort();
  }

  /** A topic that was cut while it was being loaded ends earlier than it did. */
  #lowerTarget(log: Log, ends: Offsets): void {
    for (const [partition, end] of this.#target) {
      this.#target.set(partition, Math.min(end, ends.get(partition) ?? end));
    }
    this.#checkLoaded(log);
  }

  /** Beside the watch: a topic may take long to read back. */
  #forgetDeletes(log: Log, description: TopicDescription, signal: AbortSignal): void {
    if (!this.#loaded) return;
    void this.#learnMarks(log, description, signal);
    if (description.deleteRetentionMs === null) return;
    this.#tombstones
      ?.sweep(this.#source, description, log, this.#readers.sweeps, signal)
      .catch((error) => {
        logger.debug('Cannot look for deletes of {topic}: {error}', { topic: this.topic, error });
      });
  }

  /**
   * Of a filter that came with the streams file while the gateway was running it is not known what it lets
   * through of the records that have left memory: they are read back once.
   */
  async #learnMarks(log: Log, topic: TopicDescription, signal: AbortSignal): Promise<void> {
    const { guards } = log;
    const holder = { giveWay: () => {} };
    if (guards?.lacksMarks !== true || !this.#readers.sweeps.take(holder)) return;
    const learned = guards.learns();
    const ends = log.start;
    const from = new Map(
      [...ends].map((_, partition) => [partition, this.#starts[partition] ?? 0]),
    );
    for (const [partition, start] of from) if (start >= ends[partition]!) from.delete(partition);
    const left = new Set(from.keys());
    try {
      const batches = left.size === 0 ? [] : this.#source.read(topic, from, signal);
      for await (const { records, positions } of batches) {
        for (const record of records) guards.learn(record);
        for (const [partition, next] of positions) {
          if (next >= ends[partition]!) left.delete(partition);
        }
        if (left.size === 0) break;
      }
      if (left.size === 0) learned();
    } catch (error) {
      logger.debug('Cannot read topic {topic} back: {error}', { topic: this.topic, error });
    } finally {
      this.#readers.sweeps.release(holder);
    }
  }

  #checkLoaded(log: Log): void {
    if (this.#loaded) return;
    for (const [partition, end] of this.#target) {
      if (log.positions[partition]! < end) return;
    }
    this.#loaded = true;
    this.#wasLoaded = true;
    if (log.clock !== null) log.clock.loadedAt = Date.now();
    log.guards?.isLoaded();
    logger.info('Topic {topic} is loaded', { topic: this.topic, compacted: log.keys !== null });
    this.sleepers.wakeAll();
  }
}

function newClock({ deleteRetentionMs }: TopicDescription, beganAt: number): IdClock {
  const clock = new IdClock();
  if (deleteRetentionMs !== null) clock.retentionMs = deleteRetentionMs;
  clock.beganAt = beganAt;
  clock.caughtUpAt = beganAt;
  return clock;
}
