import { Random } from '../model/random.ts';
import {
  type Claims,
  type Params,
  type Right,
  randomClaims,
  randomRight,
  type Situation,
} from './rights.ts';

/** What nobody may see without a right: names of topics and streams, and each record. */
const MARK = /mk[0-9a-f]{12}/g;

/** A record that has its mark in all of its parts. */
export interface Marked {
  readonly mark: string;
  readonly key: Uint8Array;
  /** Null: a delete. */
  readonly value: Uint8Array | null;
  readonly headers: readonly (readonly [string, Uint8Array])[];
}

export interface WorldTopic {
  readonly name: string;
  readonly isCompacted: boolean;
  readonly value: 'bytes' | 'json';
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
  /** Whether a record is for somebody who has the right; a filter is to say so here. */
  shows(record: Marked, situation: Situation): boolean;
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
    this.topics = Array.from({ length: random.between(2, 4) }, () => ({
      name: this.#newMark(),
      isCompacted: random.chance(0.5),
      value: random.pick(['bytes', 'json'] as const),
      records: [],
    }));
    const names = this.topics.map(({ name }) => name);
    this.users = Array.from({ length: random.between(3, 5) }, (_, i) => {
      const name = `u${i}`;
      return { name, claims: randomClaims(random, name, names) };
    });
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
    return { path, params, topic, right: randomRight(this.random, params), shows: () => true };
  }

  get streamsFile(): string {
    const rule = ({ right }: Served): string => `require: ${JSON.stringify(right.cel)}`;
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
      const records = Array.from({ length: this.random.between(1, 3) }, () => this.#newRecord());
      topic.records.push(...records);
      return [topic, records] as const;
    });
  }

  /** What somebody may see of what a path serves; null: nothing, for lack of a right. */
  visible({ claims }: User, served: Served, params: Params): Marked[] | null {
    const { topic, right } = served;
    const situation = { claims, params, topic: topic.name };
    const isLetIn = [this.require, right].every((each) => each.holds(situation) === true);
    return isLetIn ? topic.records.filter((record) => served.shows(record, situation)) : null;
  }

  #newRecord(): Marked {
    const { random } = this;
    const mark = this.#newMark();
    const text = encoder.encode(mark);
    const json = encoder.encode(JSON.stringify({ a: [mark], more: random.between(0, 9) }));
    // No UTF-8: in base64, at any of its places.
    const binary = Uint8Array.from([0xff, ...Array(random.between(0, 2)).fill(0xfe), ...text]);
    const content = (): Uint8Array => random.pick([text, json, binary]);
    const value = random.chance(0.15) ? null : content();
    return { mark, key: content(), value, headers: [['h', content()]] };
  }

  #newMark(): string {
    return `mk${this.#nonce}${(this.#marks++).toString(16).padStart(4, '0')}`;
  }
}

/** Every mark in these bytes: as it is, and within what may be base64 of either alphabet. */
export function marksIn(text: string): Set<string> {
  const found = new Set(text.match(MARK));
  for (const [run] of text.matchAll(/[\w+/-]{12,}/g)) {
    for (let at = 0; at < 4; at++) {
      const bytes = Buffer.from(run.slice(at), 'base64').toString('latin1');
      for (const mark of bytes.match(MARK) ?? []) found.add(mark);
    }
  }
  return found;
}
