import type { ClientFilter } from './client_filter.ts';
import { ClientModel } from './client_model.ts';
import { type DecodedCursor, decodeTopicsCursor, NO_TOPIC_ID } from './cursor_decoder.ts';
import type { SeveralReplica } from './several_replica.ts';
import type { Block } from './sse_parser.ts';
import type { World } from './world.ts';

/** Arrays that a block may have been under way for: what was superseded meanwhile still comes. */
const UNDER_WAY = 3;

type Cursors = ReadonlyMap<string, DecodedCursor>;

/** A client's cursor as it sends it, and what that means: of several topics, or the id of one. */
export interface SentCursor {
  readonly id: string;
  readonly cursors: Cursors | { readonly one: DecodedCursor } | null | 'unreadable';
}

type Models = ReadonlyMap<string, ClientModel>;
type Since = 'latest' | number | null;

/**
 * Says what a client of several topics must have got, by the contract alone: of each topic what a client
 * of it alone must have got, by what the ids say of it, and what is told of the whole.
 */
export class SeveralModel {
  readonly #worlds: ReadonlyMap<string, World>;
  readonly #filter: ClientFilter;
  readonly #endsLive: boolean;
  /** Of all topics that it ever read, as its last id knows them. */
  readonly #known = new Map<string, ClientModel>();
  /** Of those of its stream; what it may be, as long as it is not known whose the id of one topic is. */
  #mayBe: Models[] = [];
  #replica: SeveralReplica | null = null;
  /** What the last id said of each topic. */
  #told = new Map<string, DecodedCursor>();
  #time: number | null = null;
  /** What of each topic was read when arrays were handed out, the last one last. */
  #readUpTo: ReadonlyMap<string, Float64Array | null>[] = [];
  #handedOutAt = 0;

  constructor(worlds: ReadonlyMap<string, World>, filter: ClientFilter, endsLive: boolean) {
    this.#worlds = worlds;
    this.#filter = filter;
    this.#endsLive = endsLive;
  }

  /** The client opens a stream of these topics. */
  open(names: readonly string[], sent: SentCursor, since: Since, replica: SeveralReplica): void {
    const { cursors } = sent;
    const inOrder = names.toSorted();
    this.#replica = replica;
    this.#readUpTo = [];
    this.#told = new Map();
    this.#time = null;
    const openAll = (cursorOf: (name: string) => DecodedCursor | null | 'unreadable', at: Since) =>
      new Map(inOrder.map((name) => [name, this.#open(name, cursorOf(name), at)]));
    if (cursors === null || cursors === 'unreadable') {
      this.#mayBe = [openAll(() => cursors, since)];
    } else if ('one' in cursors) {
      const { one } = cursors;
      const owner = inOrder.find((name) => this.#isOf(one, name));
      const unreadable = openAll(() => 'unreadable', since);
      const ofOwner = openAll((name) => (name === owner ? one : null), null);
      // A gateway may not know yet that a topic was made anew, or may know it before its client does.
      const isSure = owner !== undefined && this.#worlds.get(owner)!.kafka.ledger.timesMade === 1;
      this.#mayBe = isSure ? [ofOwner] : owner === undefined ? [unreadable] : [ofOwner, unreadable];
      if (owner !== undefined) this.#told.set(owner, one);
    } else {
      this.#mayBe = [openAll((name) => cursors.get(name) ?? null, null)];
      for (const name of inOrder) if (cursors.has(name)) this.#told.set(name, cursors.get(name)!);
      this.#time = [...cursors.values()][0]!.time;
    }
  }

  close(): void {
    if (this.#replica === null) return;
    for (const models of this.#mayBe) {
      for (const [name, model] of models) {
        model.close(this.#now, this.#replica.part(name).readUpTo());
        if (this.#mayBe.length === 1) this.#known.set(name, model);
      }
    }
    this.#replica = null;
  }

  /** An array is handed out. @param begins whether it begins with a block */
  handsOut(begins: boolean): void {
    // The id is written last, as late as that.
    this.#handedOutAt = this.#now;
    if (!begins) return;
    const names = [...this.#mayBe[0]!.keys()];
    const readUpTo = names.map((name) => [name, this.#replica!.part(name).readUpTo()] as const);
    this.#readUpTo.push(new Map(readUpTo));
    if (this.#readUpTo.length > UNDER_WAY) this.#readUpTo.shift();
  }

  /** @returns what its id says @throws when it must not have come, or something is missing before it */
  receive(block: Block): Cursors {
    this.#decide(block);
    const [models] = this.#mayBe as [Models];
    const cursors = decodeTopicsCursor(block.id, [...models.keys()]);
    for (const name of this.#told.keys()) {
      if (!cursors.has(name)) throw new Error(`the id does not name ${name}, which it did`);
    }
    const changed = [...cursors].filter(([name, cursor]) => {
      return !isSame(this.#told.get(name), cursor);
    });
    const time = [...cursors.values()][0]!.time;
    const wasLive = this.#isLive;
    if (block.event === 'live') this.#receiveLive(block, models, cursors);
    else if (block.event === 'place') {
      if (block.data !== '{}') throw new Error('a wrong event place');
      if (changed.length === 0 && !((time ?? 0) > (this.#time ?? time ?? 0))) {
        throw new Error('a place that has not moved');
      }
      for (const [name, cursor] of changed) this.#passes(name, cursor, false);
    } else {
      const owner = block.data === null ? null : topicIn(block.data);
      if (owner !== null && !cursors.has(owner)) throw new Error(`a block of ${owner}`);
      for (const [name, cursor] of changed) {
        if (name !== owner) this.#passes(name, cursor, owner === null);
      }
      if (owner !== null) this.#receiveOf(owner, block, cursors.get(owner)!);
    }
    this.#told = new Map(cursors);
    this.#time = time;
    if (wasLive && this.#isLive) this.#checkAge(this.#handedOutAt);
    return cursors;
  }

  isStale(): void {
    for (const models of this.#mayBe) for (const model of models.values()) model.isStale();
  }

  /** @throws where the last id of one that waits is too old */
  checkAge(): void {
    if (this.#told.size > 0 && this.#isLive) this.#checkAge(this.#now);
  }

  lacks(): string | null {
    if (this.#mayBe.length === 0) return 'no stream';
    if (this.#mayBe.length > 1) return 'to know whose its id is';
    for (const [name, model] of this.#mayBe[0]!) {
      const lacks = model.lacks();
      if (lacks !== null) return `${lacks} of ${name}`;
    }
    return null;
  }

  lagsBehind(): string | null {
    for (const [name, model] of this.#mayBe[0]!) {
      const place = model.lagsBehind();
      if (place !== null) return `${place} of ${name}`;
    }
    return null;
  }

  get #now(): number {
    return this.#worlds.values().next().value!.clock.now;
  }

  get #isLive(): boolean {
    return [...this.#mayBe[0]!.values()].every(({ isLive }) => isLive);
  }

  #open(name: string, sent: DecodedCursor | null | 'unreadable', since: Since): ClientModel {
    const { ledger } = this.#worlds.get(name)!.kafka;
    const isAnew = sent === null || sent === 'unreadable';
    const known = isAnew ? undefined : this.#known.get(name);
    const model =
      known ?? new ClientModel(ledger, name, 'json', this.#filter, this.#endsLive, null);
    const cursor = isAnew ? sent : this.#timed(name, sent);
    const readUpTo = this.#replica!.part(name).readUpTo();
    model.open({ cursor, since, at: this.#now, readUpTo });
    return model;
  }

  /** The time in an id is that of its compacted topics. */
  #timed(name: string, cursor: DecodedCursor): DecodedCursor {
    const { ledger } = this.#worlds.get(name)!.kafka;
    const isCompacted = ledger.find(cursor.topicId)?.everCompacted === true;
    return isCompacted ? cursor : { ...cursor, time: null };
  }

  #isOf({ topicId }: DecodedCursor, name: string): boolean {
    const { ledger } = this.#worlds.get(name)!.kafka;
    return topicId !== NO_TOPIC_ID && ledger.hasIds && ledger.find(topicId) !== undefined;
  }

  #decide({ event, data }: Block): void {
    if (this.#mayBe.length === 1) return;
    const isUnreadable =
      event === 'gap' && (JSON.parse(data!) as { reason: string }).reason === 'unreadable-cursor';
    this.#mayBe = [this.#mayBe[isUnreadable ? 1 : 0]!];
    if (isUnreadable) this.#told = new Map();
  }

  #passes(name: string, cursor: DecodedCursor, mayHold: boolean): void {
    try {
      this.#mayBe[0]!.get(name)!.passes(this.#timed(name, cursor), mayHold);
    } catch (error) {
      throw of(name, error);
    }
  }

  #receiveOf(name: string, block: Block, cursor: DecodedCursor): void {
    const model = this.#mayBe[0]!.get(name)!;
    // Past that it may get what others who are slow get as well.
    const readUpTo = model.isLive ? null : (this.#readUpTo[0]!.get(name) ?? null);
    const data = block.data!.replace(`{"topic":${JSON.stringify(name)},`, '{');
    try {
      model.receive(
        { ...block, data },
        this.#timed(name, cursor),
        readUpTo,
        this.#handedOutAt,
        false,
      );
    } catch (error) {
      throw of(name, error);
    }
  }

  #receiveLive(block: Block, models: Models, cursors: Cursors): void {
    if (this.#isLive) throw new Error('event live came twice');
    for (const [name, model] of models) {
      const cursor = cursors.get(name);
      if (cursor === undefined) throw new Error(`live, and the id does not name ${name}`);
      if (!model.isLive) this.#receiveOf(name, block, cursor);
      else if (!isSame(this.#told.get(name), cursor)) this.#passes(name, cursor, false);
    }
  }

  #checkAge(now: number): void {
    const topics = [...this.#told].map(([name, { topicId }]) => {
      return this.#worlds.get(name)!.kafka.ledger.find(topicId);
    });
    if (!topics.every((topic) => topic?.isSteady === true)) return;
    const compacted = topics.filter((topic) => topic!.everCompacted);
    if ((this.#time !== null) !== compacted.length > 0) {
      throw new Error(`an id with the time ${this.#time}`);
    }
    const isCurrent = [...this.#told].every(([name, { topicId }]) => {
      return this.#worlds.get(name)!.kafka.ledger.current?.topicId === topicId;
    });
    const isPrompt = [...this.#told.keys()].every((name) => {
      return this.#replica!.part(name).source.isWell;
    });
    if (this.#time === null || !isCurrent || !isPrompt) return;
    const retentionMs = Math.min(...compacted.map((topic) => topic!.deleteRetentionMs));
    const maxMs = Math.max(1000, retentionMs / 4);
    const age = Math.floor(now) - this.#time * 1000;
    if (age > maxMs) throw new Error(`an id that is ${age} ms old, not ${maxMs}`);
  }
}

function topicIn(data: string): string {
  const object = JSON.parse(data) as Record<string, unknown>;
  const topic = object['topic'] as string;
  if (object['reason'] === undefined && Object.keys(object)[0] !== 'topic') {
    throw new Error(`an object without its topic first: ${data.slice(0, 80)}`);
  }
  return topic;
}

function isSame(a: DecodedCursor | undefined, b: DecodedCursor): boolean {
  if (a === undefined || a.topicId !== b.topicId || a.offsets.size !== b.offsets.size) return false;
  return [...a.offsets].every(([partition, offset]) => b.offsets.get(partition) === offset);
}

function of(name: string, error: unknown): Error {
  return new Error(`${name}: ${error instanceof Error ? error.message : error}`);
}
