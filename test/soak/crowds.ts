import { type ChildProcess, fork } from 'node:child_process';
import { within } from '../support/deadline.ts';
import type { FromPart, PartStart, Question, State, ToPart } from './crowd_process.ts';
import type { SoakIssuer } from './issuer.ts';
import type { ProducedTopics, TopicName } from './kafka_topics.ts';
import type { Row } from './subscriber.ts';

/** Clients of one process: with more of them it has more to do than a gateway. */
const PART = 500;
/** A process that has no time for it is not judged. */
const ANSWER_MS = 120_000;

type CrowdsOptions = Omit<PartStart, 'part' | 'parts' | 'issuer' | 'hasRegistry'>;

/** All clients of a run, in processes of their own, which are told all that Kafka took. */
export class Crowds {
  /** Why they cannot go on. */
  fault: unknown = null;
  readonly #parts: readonly Part[];

  /** Lets them all come. */
  static start(options: CrowdsOptions, topics: ProducedTopics, issuer: SoakIssuer): Crowds {
    const parts = Math.ceil(options.size / PART);
    const hasRegistry = topics.typed !== undefined;
    const started = Array.from({ length: parts }, (_, part) => {
      return new Part({ ...options, part, parts, hasRegistry, issuer: issuer.url }, issuer);
    });
    return new Crowds(started, topics, issuer);
  }

  private constructor(parts: readonly Part[], topics: ProducedTopics, issuer: SoakIssuer) {
    this.#parts = parts;
    for (const [name, topic] of Object.entries(topics)) {
      topic.onChange = (change) => {
        this.#tell({ kind: 'change', topic: name as TopicName, change });
      };
    }
    issuer.onKey = (key) => this.#tell({ kind: 'key', key });
  }

  /** How they are, with all that was told of topics until now. */
  async ask(what: Question = 'look'): Promise<State> {
    const states = await Promise.all(this.#parts.map((part) => part.ask(what)));
    this.fault ??= states.find(({ fault }) => fault !== null)?.fault ?? null;
    return {
      lastReceived: Math.max(...states.map(({ lastReceived }) => lastReceived)),
      incomplete: states.flatMap(({ incomplete }) => incomplete),
      fault: null,
      rows: states.flatMap(({ rows }): readonly Row[] => rows),
      hasLeft: states.every(({ hasLeft }) => hasLeft),
    };
  }

  end(): void {
    for (const part of this.#parts) part.end();
  }

  #tell(message: ToPart): void {
    for (const part of this.#parts) part.tell(message);
  }
}

class Part {
  readonly #child: ChildProcess;
  readonly #asked = new Map<number, (state: State) => void>();
  readonly #ended: Promise<never>;
  #number = 0;

  constructor(start: PartStart, issuer: SoakIssuer) {
    this.#child = fork(new URL('./crowd_process.js', import.meta.url));
    this.#child.on('error', () => {}); // It is told by an answer that does not come.
    this.#child.on('message', ({ number, state }: FromPart) => {
      this.#asked.get(number)?.(state);
      this.#asked.delete(number);
    });
    this.#ended = new Promise((_, reject) => {
      this.#child.once('exit', (code) => reject(new Error(`clients ended with ${code}`)));
    });
    this.#ended.catch(() => {}); // It is told to who asks.
    this.tell({ kind: 'start', start, key: issuer.key });
  }

  tell(message: ToPart): void {
    this.#child.send(message);
  }

  ask(what: Question): Promise<State> {
    const number = ++this.#number;
    const answered = new Promise<State>((resolve) => this.#asked.set(number, resolve));
    this.tell({ kind: 'ask', number, what });
    const either = Promise.race([answered, this.#ended]);
    return within(`clients to answer: ${what}`, either, ANSWER_MS);
  }

  end(): void {
    this.#child.kill('SIGKILL');
  }
}
