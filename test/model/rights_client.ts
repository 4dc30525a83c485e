import type { Gateway } from '../../app/gateway.ts';
import type { ByteSource } from '../../app/ports/byte_source.ts';
import type { ClientConnection } from '../../app/ports/client_connection.ts';
import type { Random } from './random.ts';
import { type RightsIssuer, TOKEN_FAULTS, type Token, type Told } from './rights_issuer.ts';
import { type RightsOfPaths, topicOf, type User } from './rights_of_paths.ts';
import { type Block, SseParser } from './sse_parser.ts';
import type { World } from './world.ts';

/** A stream whose right is another is over within a sweep, but that its client may hold it up. */
const RELOADED_MS = 2500;
const MAX_LAST_PART_MS = 60_000;

/** A gateway, by what its clients and the model know of it. */
export interface RightsGateway {
  readonly gateway: Gateway;
  readonly told: Told;
  isUp: boolean;
}

/** What clients share. */
export interface RightsWorld {
  readonly world: World;
  readonly issuer: RightsIssuer;
  readonly rights: RightsOfPaths;
  readonly gateways: readonly RightsGateway[];
  /** Values by topic and partition, in order. */
  readonly produced: ReadonlyMap<string, readonly (readonly string[])[]>;
  isCalm: boolean;
}

interface Stream {
  readonly source: ByteSource;
  readonly gateway: RightsGateway;
  readonly parser: SseParser;
  readonly openedAt: number;
  readonly expiresAt: number;
  /** The right by which it is read. */
  readonly right: string;
  /** Handed over and not taken yet. */
  readonly waiting: Uint8Array[];
  /** Since when its right is another. */
  reloadedAt: number | null;
  isAsked: boolean;
  isEnded: boolean;
  isToldExpired: boolean;
}

type Reason = 'missing' | 'expired' | 'invalid' | 'unavailable' | 'forbidden';
const STATUS: Readonly<Record<Reason, number>> = {
  missing: 401,
  expired: 401,
  invalid: 401,
  unavailable: 503,
  forbidden: 403,
};

/** Reads one path as one user, with tokens that are right or wrong, and judges all that it is answered. */
export class RightsClient {
  readonly name: string;
  readonly path: string;
  readonly #shared: RightsWorld;
  readonly #random: Random;
  readonly #user: User;
  readonly #format: 'text' | 'json';
  readonly #isSlow: boolean;
  #token: Token | null = null;
  #lastId = '';
  #stream: Stream | null = null;
  /** When it comes again. */
  #dueAt: number;
  /** Of each partition what it has to get next. */
  readonly #next: number[] = [];

  constructor(shared: RightsWorld, random: Random, name: string, user: User, path: string) {
    this.name = name;
    this.path = path;
    this.#shared = shared;
    this.#random = random;
    this.#user = user;
    this.#format = random.pick(['text', 'json']);
    this.#isSlow = random.chance(0.4);
    this.#dueAt = this.#now + random.between(0, 5000);
  }

  get #now(): number {
    return this.#shared.world.clock.now;
  }

  /** Whether it has all that its right lets it have. */
  get isComplete(): boolean {
    const { rights, produced } = this.#shared;
    if (rights.find(this.path) === null || !rights.permits(this.#user, this.path)) return true;
    const all = produced.get(topicOf(this.path))!;
    return all.every((values, partition) => (this.#next[partition] ?? 0) === values.length);
  }

  /** To be called again and again; time stands still meanwhile. */
  async step(): Promise<void> {
    if (this.#stream === null) {
      if (this.#now >= this.#dueAt) await this.#connect();
      return;
    }
    this.#watch(this.#stream);
    if (!this.#shared.isCalm && this.#random.chance(0.005)) this.#leave();
    else if (!this.#isSlow || this.#shared.isCalm || this.#random.chance(0.1)) this.#take();
  }

  /** Its right is another from now on, or may be. */
  reloaded(): void {
    const stream = this.#stream;
    if (stream === null || stream.right === this.#shared.rights.find(this.path)) return;
    stream.reloadedAt ??= this.#now;
  }

  /** Nothing holds it up any more. */
  calmDown(): void {
    this.#token = null;
    this.#dueAt = Math.min(this.#dueAt, this.#now + 3000);
  }

  async #connect(): Promise<void> {
    const { rights, gateways, isCalm } = this.#shared;
    const running = gateways.filter(({ isUp }) => isUp);
    if (running.length === 0) {
      this.#dueAt = this.#now + 500;
      return;
    }
    const gateway = this.#random.pick(running);
    const token = !isCalm && this.#random.chance(0.05) ? null : await this.#shownToken();
    const isEventSource = this.#random.chance(0.5);
    const headers = {
      ...(token === null ? {} : { authorization: `Bearer ${token.text}` }),
      ...(isEventSource ? { accept: 'text/event-stream' } : {}),
      ...(this.#lastId === '' ? {} : { 'last-event-id': this.#lastId }),
    };
    if (this.#random.chance(0.1)) await this.#readTopics(gateway, headers, token);
    const url = `http://localhost${this.path}?format=${this.#format}`;
    let source: ByteSource | null = null;
    const connection = this.#connection((given) => {
      source = given;
    });
    const response = await gateway.gateway.fetch(new Request(url, { headers }), connection);
    const expected = this.#expected(token, gateway.told);
    this.#note(() => `comes: ${response.status}, expected ${expected ?? 'a stream'}`);
    this.#shared.world.count(expected ?? 'streams');
    if (expected === null) {
      if (response.status !== 200 || source === null) {
        throw new Error(`${response.status} ${await response.text()} in place of a stream`);
      }
      this.#stream = {
        source,
        gateway,
        parser: new SseParser(),
        openedAt: this.#now,
        expiresAt: token!.expiresAt,
        right: rights.find(this.path)!,
        waiting: [],
        reloadedAt: null,
        isAsked: false,
        isEnded: false,
        isToldExpired: false,
      };
      this.#ask(this.#stream);
      this.#take();
      return;
    }
    if (source !== null) throw new Error(`a stream, and ${expected} was expected`);
    await this.#checkRefusal(expected, response, isEventSource);
    if (expected !== 'forbidden' && expected !== 'unavailable') this.#token = null;
    this.#dueAt = this.#now + this.#random.between(500, isCalm ? 2000 : 8000);
  }

  async #shownToken(): Promise<Token> {
    const { issuer, isCalm } = this.#shared;
    // One that is held may be over, or its key gone.
    if (this.#token !== null && this.#random.chance(0.7)) return this.#token;
    const fault = !isCalm && this.#random.chance(0.2) ? this.#random.pick(TOKEN_FAULTS) : null;
    const lasts = isCalm ? 60_000 : this.#random.between(1000, 30_000);
    this.#token = await issuer.token(this.#user, lasts, fault);
    return this.#token;
  }

  /** Why it is not let in, by the contract alone; `null` where it is. */
  #expected(token: Token | null, told: Told): Reason | 'not found' | null {
    const { rights } = this.#shared;
    if (rights.find(this.path) === null) return 'not found';
    const refusal = this.#expectedOf(token, told);
    if (refusal !== null) return refusal;
    return rights.permits(this.#user, this.path) ? null : 'forbidden';
  }

  #expectedOf(token: Token | null, { kids, isError }: Told): Reason | null {
    if (token === null) return 'missing';
    const { fault, kid, expiresAt } = token;
    const isKnown = kids?.includes(kid) === true;
    // Whom a token is for is looked at before its time, once it is known to be the issuer's.
    if (isKnown && fault === 'another audience') return 'invalid';
    if (expiresAt <= this.#now) return 'expired';
    if (!isKnown) return kids === null || isError ? 'unavailable' : 'invalid';
    return fault === null ? null : 'invalid';
  }

  async #checkRefusal(
    expected: Reason | 'not found',
    response: Response,
    isEventSource: boolean,
  ): Promise<void> {
    const text = await response.text();
    const told = `${response.status} ${JSON.stringify(text.slice(0, 200))}, not ${expected}`;
    if (expected === 'not found') {
      if (response.status !== 404) throw new Error(told);
    } else if (isEventSource) {
      const block = `event:unauthorized\ndata:{"reason":"${expected}"}\n\n`;
      if (response.status !== 200 || text.replace(/^retry:\d+\n\n/, '') !== block) {
        throw new Error(told);
      }
    } else if (response.status !== STATUS[expected] || text.length > 100) {
      throw new Error(told);
    }
  }

  async #readTopics(
    { gateway, told }: RightsGateway,
    headers: Record<string, string>,
    token: Token | null,
  ): Promise<void> {
    const request = new Request('http://localhost/-/topics', { headers });
    const response = await gateway.fetch(request, this.#connection(null));
    const refusal = this.#expectedOf(token, told);
    const expected = refusal === null ? 200 : STATUS[refusal];
    if (response.status !== expected) {
      throw new Error(`/-/topics says ${response.status}, not ${expected}`);
    }
    if (refusal !== null) return;
    const { topics } = (await response.json()) as { topics: { path: string }[] };
    const listed = topics.map(({ path }) => path).sort();
    const own = this.#shared.rights.listed(this.#user);
    if (`${listed}` !== `${own}`) throw new Error(`/-/topics lists ${listed}, not ${own}`);
  }

  #connection(onSource: ((source: ByteSource) => void) | null): ClientConnection {
    const waiting = (): readonly Uint8Array[] => this.#stream?.waiting ?? [];
    return {
      address: '192.0.2.1',
      get pendingBytes() {
        return waiting().reduce((sum, { length }) => sum + length, 0);
      },
      measureProgress: () => this.#next.reduce((sum, next) => sum + next, 0),
      letGo() {},
      cut: () => this.#isCut(),
      ...(onSource === null
        ? {}
        : {
            streams: (_: Response, source: ByteSource) => onSource(source),
          }),
    };
  }

  #ask(stream: Stream): void {
    stream.isAsked = true;
    stream.source.next({
      receive: (bytes) => {
        stream.isAsked = false;
        if (this.#now >= stream.expiresAt) this.#fail('it is handed something after its token');
        stream.waiting.push(bytes);
        if (!this.#isSlow && this.#stream === stream) this.#take();
      },
      end: () => {
        stream.isEnded = true;
        if (stream.waiting.length === 0 && this.#stream === stream) this.#over(stream);
      },
    });
  }

  /** Takes what waits, and asks for more. */
  #take(): void {
    const stream = this.#stream;
    if (stream === null) return;
    try {
      for (let bytes = stream.waiting.shift(); bytes; bytes = stream.waiting.shift()) {
        if (this.#now >= stream.expiresAt) throw new Error('it takes something after its token');
        for (const block of stream.parser.push(bytes)) this.#receive(block, stream);
        // One at a time: what is asked for next comes into the place of this one.
        if (this.#isSlow && !this.#shared.isCalm) break;
      }
      if (stream.isEnded && stream.waiting.length === 0) this.#over(stream);
      else if (!stream.isAsked && !stream.isEnded && stream.waiting.length === 0) this.#ask(stream);
    } catch (error) {
      this.#fail((error as Error).message);
    }
  }

  #receive({ event, data, id }: Block, stream: Stream): void {
    if (stream.isToldExpired) throw new Error(`event ${event} behind expired`);
    if (event === 'expired') {
      stream.isToldExpired = true;
      this.#shared.world.count('expired');
    } else if (event === 'message' && data !== null) {
      this.#receiveRecord(data);
    } else if (!['retry', 'live', 'place'].includes(event)) {
      throw new Error(`an event ${event}`);
    }
    if (id !== '') this.#lastId = id;
  }

  #receiveRecord(data: string): void {
    const value: string = this.#format === 'json' ? JSON.parse(data).value : data;
    const [, topic, partition, offset] = /^(\w+)\/(\d+)\/(\d+)\|/.exec(value) ?? [];
    const expected = this.#next[Number(partition)] ?? 0;
    const all = this.#shared.produced.get(topic!)?.[Number(partition)];
    if (topic !== topicOf(this.path)) throw new Error(`a record of ${topic} at ${this.path}`);
    if (Number(offset) !== expected) {
      throw new Error(`record ${partition}/${offset}, and ${expected} was to come`);
    }
    if (all![expected] !== value) throw new Error(`another value than ${partition}/${offset}`);
    this.#next[Number(partition)] = expected + 1;
    this.#shared.world.count('records');
  }

  /** It has taken the last byte of a stream that the gateway has ended. */
  #over(stream: Stream): void {
    const { openedAt, expiresAt, parser, gateway, isToldExpired, reloadedAt } = stream;
    this.#stream = null;
    this.#dueAt = this.#now + this.#random.between(0, this.#shared.isCalm ? 500 : 3000);
    if (parser.isWithinBlock) this.#fail('a stream that ended within a block');
    if (isToldExpired) {
      this.#token = null;
      const lastPart = Math.min((expiresAt - openedAt) * 0.1, MAX_LAST_PART_MS);
      // What was timed by whole milliseconds.
      if (this.#now < expiresAt - lastPart - 1) this.#fail('its token was told over too early');
    } else if (reloadedAt === null && gateway.isUp) {
      this.#fail('a stream that ended for no reason');
    }
    this.#note(() => `is over${isToldExpired ? ' with its token' : ''}`);
  }

  /** The gateway cuts the connection: only at the end of the token. */
  #isCut(): void {
    const stream = this.#stream;
    if (stream === null) return;
    if (this.#now < stream.expiresAt) this.#fail('cut before the end of its token');
    if (stream.waiting.length === 0 && !stream.isToldExpired) {
      this.#fail('cut, and it was not told that its token is over');
    }
    this.#shared.world.count('cuts');
    this.#token = null;
    this.#stream = null;
    this.#dueAt = this.#now + this.#random.between(0, 3000);
    stream.source.cancel();
  }

  #watch({ expiresAt, reloadedAt, waiting, gateway }: Stream): void {
    if (this.#now > expiresAt) this.#fail('a stream that goes on after its token');
    if (reloadedAt === null || waiting.length > 0 || !gateway.isUp) return;
    if (this.#now > reloadedAt + RELOADED_MS) this.#fail('a stream that goes on without its right');
  }

  #leave(): void {
    const stream = this.#stream!;
    this.#stream = null;
    this.#dueAt = this.#now + this.#random.between(0, 6000);
    stream.source.cancel();
  }

  #note(line: () => string): void {
    this.#shared.world.note(() => `${this.name} at ${this.path} ${line()}`);
  }

  #fail(what: string): void {
    this.#shared.world.fail(`${this.name} at ${this.path}: ${what}`);
  }
}
