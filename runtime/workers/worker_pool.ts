import cluster, { type Worker } from 'node:cluster';
import process from 'node:process';
import { getLogger } from '@logtape/logtape';
import type { Config } from '../../app/config/config.ts';
import type { Health } from '../../app/describe/admin.ts';
import { GatewayError } from '../../app/errors.ts';
import { CountedSlots } from '../../app/http/stream_slots.ts';
import type { BrokerStatus } from '../../app/ports/source.ts';
import { OWN_WORKER, type PrimaryMessage, WITH_STREAMS, type WorkerMessage } from './messages.ts';
import { WorkerClients } from './worker_clients.ts';
import { WorkerMetrics } from './worker_metrics.ts';

const logger = getLogger(['sse-kafka', 'workers']);

/** A worker that ends sooner than this after its start did not get going, in milliseconds. */
const SHORT_LIFE_MS = 5000;
/** How long the next one then waits, from the third on. */
const RESTART_MS = 1000;
/** A worker that says nothing for so long hangs, and is killed. */
const MAX_SILENCE_MS = 30_000;
/** What workers may take to end beyond DRAIN_SECONDS. */
const END_MS = 10_000;

/** Whether this process was started by a `WorkerPool`. */
export function isOwnWorker(): boolean {
  return cluster.isWorker && process.env[OWN_WORKER] !== undefined;
}

/** What the primary process knows of one worker. */
interface Member {
  readonly startedAt: number;
  /** The addresses for which it holds slots. */
  readonly addresses: Map<string, number>;
  lastHeard: number;
  urls: readonly string[] | null;
  health: Health | null;
}

/** The workers: started, replaced when they die, and ended together. Counts the slots of all. */
export class WorkerPool {
  /** Settles once all have ended; rejects with why they cannot start. */
  readonly ended: Promise<void>;
  readonly metrics = new WorkerMetrics((number) => this.#ask({ kind: 'measure', number }));
  readonly clients = new WorkerClients((message) => this.#ask(message));
  readonly #config: Config;
  readonly #count: number;
  readonly #slots: CountedSlots;
  readonly #members = new Map<Worker, Member>();
  readonly #sweep = setInterval(() => this.#killSilent(), MAX_SILENCE_MS / 6).unref();
  #end!: () => void;
  #fail!: (error: GatewayError) => void;
  #onChange: () => void = () => {};
  /** The last one that was right: a worker that comes later begins with it. */
  #streams: string | null;
  #isEnding = false;
  /** Whether all have listened once. */
  #wasUp = false;
  #wasReady = false;
  /** How many ended, one after the other, without having got going. */
  #shortLives = 0;

  /** @param streams the text of the streams file; null where there is none */
  constructor(config: Config, count: number, streams: string | null) {
    this.#config = config;
    this.#streams = streams;
    this.#count = count;
    this.#slots = new CountedSlots(config);
    this.ended = new Promise((resolve, reject) => {
      this.#end = resolve;
      this.#fail = reject;
    });
  }

  /**
   * Starts them.
   * @returns where they listen; `null` where they were ended before, or cannot start.
   */
  start(): Promise<readonly string[] | null> {
    for (let n = 0; n < this.#count; n++) this.#fork();
    return new Promise((resolve) => {
      this.#onChange = () => {
        const members = [...this.#members.values()];
        if (this.#isEnding) {
          resolve(null);
        } else if (!members.some(({ urls }) => urls === null)) {
          this.#wasUp = true;
          resolve(members[0]!.urls);
        } else {
          return;
        }
        this.#onChange = () => {};
      };
    });
  }

  /** Ready once each worker was; from then on until the end. */
  get health(): Health {
    const members = [...this.#members.values()];
    const missing = new Set(this.#wasReady ? [] : this.#missing());
    if (this.#isEnding) missing.add('this gateway is about to end');
    const brokers = members.map(({ health }) => health?.brokers ?? { up: false, error: null });
    const registry = members.flatMap(({ health }) => health?.registry ?? []);
    return {
      missing: [...missing],
      brokers: together(brokers),
      ...(registry.length === 0 ? {} : { registry: together(registry) }),
    };
  }

  /** Of a streams file that was read again, its text; null where it is at fault. */
  serveStreams(text: string | null): void {
    if (text !== null) this.#streams = text;
    const message = { kind: 'streams', text, isReadAgain: true } as const;
    for (const worker of this.#members.keys()) this.#send(worker, message);
  }

  reload(): void {
    for (const worker of this.#members.keys()) this.#send(worker, { kind: 'reload' });
  }

  drain(): void {
    this.#endAll('drain', this.#config.drainSeconds * 1000 + END_MS);
  }

  stop(): void {
    this.#endAll('stop', END_MS);
  }

  #noteListening(worker: Worker, member: Member, urls: readonly string[]): void {
    member.urls = urls;
    // It may have missed one while it started. One that is the same changes nothing.
    this.#tellStreams(worker);
  }

  #tellStreams(worker: Worker): void {
    const text = this.#streams;
    if (text !== null) this.#send(worker, { kind: 'streams', text, isReadAgain: false });
  }

  #endAll(kind: 'drain' | 'stop', deadlineMs: number): void {
    this.#isEnding = true;
    for (const worker of this.#members.keys()) this.#send(worker, { kind });
    setTimeout(() => this.#kill([...this.#members.keys()]), deadlineMs).unref();
    this.#onChange();
  }

  #fork(): void {
    const streams = this.#streams;
    const worker = cluster.fork({ [OWN_WORKER]: streams === null ? '1' : WITH_STREAMS });
    const now = performance.now();
    const member: Member = {
      startedAt: now,
      addresses: new Map(),
      lastHeard: now,
      urls: null,
      health: null,
    };
    this.#members.set(worker, member);
    worker.on('message', (message: WorkerMessage) => this.#take(worker, member, message));
    worker.on('error', () => {}); // It has ended: that is told, too.
    worker.on('exit', (code, signal) => this.#exited(worker, member, code, signal));
  }

  #take(worker: Worker, member: Member, message: WorkerMessage): void {
    member.lastHeard = performance.now();
    if (message.kind === 'take') this.#takeSlot(worker, member, message);
    else if (message.kind === 'release') this.#releaseSlot(member, message.address);
    else if (message.kind === 'health') this.#noteHealth(member, message.health);
    else if (message.kind === 'measured') this.metrics.told(worker, message.number, message.values);
    else if (message.kind === 'clients') this.clients.told(message.number, message.lines);
    else if (message.kind === 'all clients')
      this.clients.toldAll(worker, message.number, message.count);
    else if (message.kind === 'asks for streams') this.#tellStreams(worker);
    else if (message.kind === 'listening') this.#noteListening(worker, member, message.urls);
    else if (message.kind === 'failed') this.#giveUp(message.message);
    // What would come now is the end of threads that wait for brokers, for seconds.
    else if (message.kind === 'ended' && this.#isEnding) this.#kill([worker]);
    this.#onChange();
  }

  #noteHealth(member: Member, health: Health): void {
    member.health = health;
    // Noted when it happens: nobody may have asked before a worker is replaced.
    this.#wasReady ||= this.#missing().length === 0;
  }

  /** What keeps workers from being ready. */
  #missing(): string[] {
    const members = [...this.#members.values()];
    const missing = members.flatMap(({ health }) => health?.missing ?? ['a worker starts']);
    return members.length < this.#count ? [...missing, 'a worker starts'] : missing;
  }

  #takeSlot(worker: Worker, { addresses }: Member, request: { number: number; address: string }) {
    const { number, address } = request;
    const refusal = this.#slots.take(address);
    if (refusal === null) addresses.set(address, (addresses.get(address) ?? 0) + 1);
    this.#send(worker, { kind: 'taken', number, refusal });
  }

  #releaseSlot({ addresses }: Member, address: string): void {
    const count = addresses.get(address) ?? 0;
    if (count > 1) addresses.set(address, count - 1);
    else addresses.delete(address);
    if (count > 0) this.#slots.release(address);
  }

  #exited(worker: Worker, member: Member, code: number | null, signal: string | null): void {
    this.#members.delete(worker);
    this.metrics.ended(worker);
    this.clients.ended(worker);
    for (const [address, count] of member.addresses) {
      for (let n = 0; n < count; n++) this.#slots.release(address);
    }
    if (!this.#wasUp && !this.#isEnding) {
      this.#giveUp(`A worker ended with ${signal ?? code} at its start`);
    } else if (!this.#isEnding) {
      logger.warn('A worker has ended ({end}): another one takes its place', {
        end: signal ?? code,
        pid: worker.process.pid,
      });
      const isShort = performance.now() - member.startedAt < SHORT_LIFE_MS;
      this.#shortLives = isShort ? this.#shortLives + 1 : 0;
      const wait = this.#shortLives < 3 ? 0 : RESTART_MS;
      setTimeout(() => this.#refork(), wait);
    } else if (this.#members.size === 0) {
      clearInterval(this.#sweep);
      this.#end();
    }
    this.#onChange();
  }

  #refork(): void {
    if (this.#isEnding) return;
    this.#fork();
  }

  /** Asks those that serve. */
  #ask(message: PrimaryMessage): readonly Worker[] {
    const serving = [...this.#members].filter(([, { urls }]) => urls !== null);
    const asked = serving.map(([worker]) => worker).filter((worker) => worker.isConnected());
    for (const worker of asked) this.#send(worker, message);
    return asked;
  }

  /** What is wrong with one at the start is wrong with all. */
  #giveUp(message: string): void {
    if (this.#wasUp || this.#isEnding) return;
    this.#isEnding = true;
    this.#kill([...this.#members.keys()]);
    this.#fail(new GatewayError('WORKER', message));
  }

  #killSilent(): void {
    const since = performance.now() - MAX_SILENCE_MS;
    for (const [worker, { lastHeard }] of this.#members) {
      if (lastHeard >= since) continue;
      logger.error('A worker hangs and is killed', { pid: worker.process.pid });
      this.#kill([worker]);
    }
  }

  #kill(workers: readonly Worker[]): void {
    for (const worker of workers) worker.process.kill('SIGKILL');
  }

  #send(worker: Worker, message: PrimaryMessage): void {
    // It fails only once the worker is gone, which is told, too.
    if (worker.isConnected()) worker.send(message, () => {});
  }
}

/** What all of them say of what they all ask. */
function together(told: readonly BrokerStatus[]): BrokerStatus {
  return {
    up: told.length > 0 && told.every(({ up }) => up),
    error: told.find(({ error }) => error !== null)?.error ?? null,
  };
}
