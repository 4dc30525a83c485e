import { Random } from '../model/random.ts';
import {
  type OwnFilter,
  ownFilter,
  type RecordFilter,
  streamFilter,
  type Vocabulary,
} from './filters.ts';
import type { Marked } from './marked.ts';
import { type Claims, type Params, type Right, randomClaims, randomRight } from './rights.ts';

interface Key {
  readonly mark: string;
  readonly bytes: Uint8Array;
}

export interface WorldTopic {
  readonly name: string;
  readonly isCompacted: boolean;
  readonly value: 'bytes' | 'json';
  readonly keys: readonly Key[];
  readonly records: Marked[];
}

/** What one path serves. */
export interface Served {
  /** As the streams file has it. */
  readonly path: string;
  readonly params: readonly string[];
  readonly topic: WorldTopic;
  readonly isStream: boolean;
  readonly right: Right;
  /** Which records it has for somebody who has the right; null: all. */
  readonly where: RecordFilter | null;
  /** Whether the keys of the others are no secret. */
  readonly hasOpenKeys: boolean;
}

/** What somebody may see. */
export interface Visible {
  /** Marks of all that may be in an answer. */
  readonly allowed: ReadonlySet<string>;
  /** Marks of all that must be in it, where it tells everything. */
  readonly needed: readonly string[];
}

export interface User {
  readonly name: string;
  readonly claims: Claims;
}

const encoder = new TextEncoder();

/** Topics, streams and users with rights of all kinds: the same seed makes the same. */
export class World {
  readonly random: Random;
  readonly topics: readonly WorldTopic[];
  readonly users: readonly User[];
  readonly require: Right;
  served: readonly Served[];
  readonly #nonce: string;
  #marks = 0;

  /** @param nonce a number that no other world has which the same Kafka serves */
  constructor(seed: number, nonce: number) {
    this.random = new Random(seed);
    this.#nonce = nonce.toString(16).padStart(8, '0');
    const { random } = this;
    const users = Array.from({ length: random.between(3, 5) }, () => this.#newMark());
    this.topics = Array.from({ length: random.between(2, 4) }, () => ({
      name: this.#newMark(),
      isCompacted: random.chance(0.5),
      value: random.pick(['bytes', 'json'] as const),
      keys: this.#newKeys(users),
      records: [],
    }));
    const names = this.topics.map(({ name }) => name);
    this.users = users.map((name) => ({ name, claims: randomClaims(random, name, names) }));
    this.require = random.chance(0.6)
      ? { cel: 'true', holds: () => true }
      : randomRight(random, [], 1);
    this.served = this.#serve([]);
  }

  /** Other rights for some of what is served, and another stream in the place of one. */
  change(): void {
    this.served = this.#serve(this.served.filter(() => this.random.chance(0.5)));
  }

  #serve(kept: readonly Served[]): Served[] {
    const { random } = this;
    const served = [...kept];
    for (const topic of this.topics) {
      const path = `/${topic.name}`;
      // One is reached by streams alone.
      if (topic === this.topics[0] || served.some((one) => one.path === path)) continue;
      served.push({ ...this.#one(topic, path, []), isStream: false });
    }
    while (served.length < this.topics.length + 3) {
      const params = random.chance(0.5) ? ['id'] : [];
      const mark = this.#newMark();
      const path = params.length === 0 ? `/s/${mark}` : `/${mark}/{id}`;
      served.push({ ...this.#one(random.pick(this.topics), path, params), isStream: true });
    }
    return served;
  }

  #one(topic: WorldTopic, path: string, params: readonly string[]): Omit<Served, 'isStream'> {
    const { random } = this;
    const right = randomRight(random, params);
    const words = this.#wordsOf(topic);
    const where = random.chance(0.5) ? streamFilter(random, words, params) : null;
    return { path, params, topic, right, where, hasOpenKeys: random.chance(0.2) };
  }

  /** A filter of a client's own. */
  ownFilter({ topic }: Served): OwnFilter {
    return ownFilter(this.random, this.#wordsOf(topic));
  }

  #wordsOf({ name, keys }: WorldTopic): Vocabulary {
    const owners = this.users.map((user) => user.name);
    return { topic: name, owners, keys: keys.map(({ bytes }) => bytes) };
  }

  /** Some of them users' names. */
  #newKeys(users: readonly string[]): Key[] {
    const ofUsers = users.slice(0, 3).map((mark) => ({ mark, bytes: encoder.encode(mark) }));
    const others = Array.from({ length: 3 }, () => {
      const mark = this.#newMark();
      return { mark, bytes: this.#content(mark) };
    });
    return [...ofUsers, ...others];
  }

  get streamsFile(): string {
    const rule = ({ right, where, hasOpenKeys }: Served): string => {
      const said = [`require: ${JSON.stringify(right.cel)}`];
      if (where !== null) said.push(`where: ${JSON.stringify(where.cel)}`);
      if (hasOpenKeys) said.push('keys: open');
      return said.join(', ');
    };
    const ofTopics = this.topics.map((topic) => {
      const own = this.served.find((one) => !one.isStream && one.topic === topic);
      const said = own === undefined ? 'path: false' : rule(own);
      return `  ${topic.name}: { value: ${topic.value}, ${said} }\n`;
    });
    const ofStreams = this.served
      .filter(({ isStream }) => isStream)
      .map((one) => `  "${one.path}": { topic: ${one.topic.name}, ${rule(one)} }\n`);
    return `topics:\n${ofTopics.join('')}streams:\n${ofStreams.join('')}`;
  }

  /** Some records more for each topic, which are to be produced. */
  write(): (readonly [WorldTopic, readonly Marked[]])[] {
    return this.topics.map((topic) => {
      const records = Array.from({ length: this.random.between(2, 5) }, () => {
        const record = this.#newRecord(topic);
        topic.records.push(record);
        return record;
      });
      return [topic, records] as const;
    });
  }

  /**
   * What somebody may see of what a path serves; null: nothing, for lack of a right.
   * @param own what is asked for of it; null: all
   */
  visible(
    { claims }: User,
    served: Served,
    params: Params,
    own: OwnFilter | null = null,
  ): Visible | null {
    const { topic, right, where, hasOpenKeys } = served;
    const { isCompacted, records } = topic;
    const situation = { claims, params, topic: topic.name };
    const isLetIn = [this.require, right].every((each) => each.holds(situation) === true);
    if (!isLetIn) return null;
    const filters = [where, own].filter((one) => one !== null);
    const isLatest = ({ key, offset }: Marked): boolean =>
      !isCompacted ||
      !records.some((one) => one.offset > offset && Buffer.compare(one.key!, key!) === 0);
    const shown = records.filter((record) =>
      filters.every((one) => one.takes({ ...situation, record })),
    );
    // Of keys that leave the key is told.
    const tellsLeave = isCompacted && filters.some(({ losesKeys }) => losesKeys);
    const leaving = records.filter((record) => {
      const looked = { ...situation, record };
      const isKnown = hasOpenKeys ? where?.mayTakeKey(looked) : where?.takes(looked);
      return tellsLeave && isKnown !== false && own?.mayTakeKey(looked) !== false;
    });
    const allowed = [topic.name, ...shown.flatMap(({ marks }) => marks)];
    return {
      allowed: new Set([...allowed, ...leaving.flatMap(({ keyMark }) => keyMark ?? [])]),
      needed: shown.filter(isLatest).map(({ mark }) => mark),
    };
  }

  #newRecord({ isCompacted, keys, records }: WorldTopic): Marked {
    const { random } = this;
    const mark = this.#newMark();
    const isDelete = random.chance(0.15);
    // What has neither key nor value is not shown.
    const isKeyless = !isCompacted && !isDelete && random.chance(0.1);
    const key = isKeyless ? null : random.pick(keys);
    const [owner, other] = [this.#owner(), this.#owner()];
    const more = random.pick([random.between(0, 9), 'more']);
    const json = { a: [mark], more, ...(owner === undefined ? {} : { owner }) };
    const content = random.chance(0.5) ? encoder.encode(JSON.stringify(json)) : this.#content(mark);
    const value = isDelete ? null : content;
    const headers: [string, Uint8Array | null][] = [['h', this.#content(mark)]];
    if (other !== undefined) headers.push(['owner', other === null ? null : encoder.encode(other)]);
    const inIt = [mark, key?.mark, owner, other].filter((one) => one != null);
    return {
      offset: records.length,
      mark: isDelete ? key!.mark : mark,
      marks: inIt,
      key: key === null ? null : key.bytes,
      keyMark: key === null ? null : key.mark,
      value,
      headers,
    };
  }

  /** Undefined: there is none. */
  #owner(): string | null | undefined {
    const { random, users } = this;
    return random.pick([random.pick(users).name, random.pick(users).name, null, undefined]);
  }

  /** A mark as it is, in JSON, or in what is no UTF-8: in base64, at any of its places. */
  #content(mark: string): Uint8Array {
    const { random } = this;
    const text = encoder.encode(mark);
    const json = encoder.encode(JSON.stringify({ a: [mark], more: random.between(0, 9) }));
    const binary = Uint8Array.from([0xff, ...Array(random.between(0, 2)).fill(0xfe), ...text]);
    return random.pick([text, json, binary]);
  }

  #newMark(): string {
    return `mk${this.#nonce}${(this.#marks++).toString(16).padStart(4, '0')}`;
  }
}
