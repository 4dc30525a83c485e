import { connect } from 'node:net';
import { getLogger } from '@logtape/logtape';

const logger = getLogger(['sse-kafka', 'http']);

const CHECK_MS = 5000;
const DEADLINE_MS = 3000;
/**
 * What this process has had no time for until the deadline it looks at then. It waits by a timer: between
 * two calls of `setImmediate` Deno 2.9 need not look at the network.
 */
const LAST_LOOK_MS = 500;
/** Any answer will do: of a port with TLS it is a refusal. */
const REQUEST = 'HEAD / HTTP/1.0\r\n\r\n';

/** A port of this process, or of its workers. */
export interface WatchedPort {
  /** The setting that it is known by. */
  readonly setting: string;
  readonly host: string;
  readonly port: number;
  /** How many connections it has taken so far. One that takes them lives, and need not answer within seconds: thousands may have come before. */
  readonly taken?: () => number;
  /** Called where it does not answer: listens anew, and resets those that wait to be taken. */
  readonly reopen?: () => void;
}

/**
 * Asks ports from time to time whether they answer. One that is open may still take nobody, as on
 * Deno once the process was out of file descriptors, and no error tells of it.
 */
export class PortWatch {
  readonly #ports: readonly WatchedPort[];
  readonly #checkMs: number;
  readonly #deadlineMs: number;
  readonly #silent = new Set<WatchedPort>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;

  constructor(ports: readonly WatchedPort[], checkMs = CHECK_MS, deadlineMs = DEADLINE_MS) {
    this.#ports = ports;
    this.#checkMs = checkMs;
    this.#deadlineMs = deadlineMs;
    this.#wait();
  }

  /** What does not answer, in words. */
  get silent(): string[] {
    return [...this.#silent].map(({ setting, port }) => `${setting} ${port} does not answer`);
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #wait(): void {
    this.#timer = setTimeout(async () => {
      await Promise.all(this.#ports.map((port) => this.#check(port)));
      if (!this.#isClosed) this.#wait();
    }, this.#checkMs);
    this.#timer.unref();
  }

  async #check(port: WatchedPort): Promise<void> {
    const { setting } = port;
    const before = port.taken?.() ?? 0;
    const answers = (await asks(port, this.#deadlineMs)) || (port.taken?.() ?? 0) > before;
    if (this.#isClosed) return;
    if (answers) {
      if (this.#silent.delete(port)) logger.info('{setting} answers again', { setting });
      return;
    }
    const isNew = !this.#silent.has(port);
    this.#silent.add(port);
    if (isNew) {
      logger.error(
        '{setting} does not answer connections to itself: out of file descriptors? (ulimit -n, LimitNOFILE)',
        { setting, port: port.port },
      );
    }
    port.reopen?.();
  }
}

/** Whether anything comes back, be it an end, before the deadline. */
function asks({ host, port }: WatchedPort, deadlineMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: reachable(host), port });
    let isTaken = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const end = (answers: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answers);
    };
    timer = setTimeout(() => {
      timer = setTimeout(() => end(false), LAST_LOOK_MS);
    }, deadlineMs);
    socket.on('connect', () => {
      isTaken = true;
      socket.write(REQUEST);
    });
    socket.on('data', () => end(true));
    socket.on('error', ({ code }: NodeJS.ErrnoException) => {
      // As where there is no room for one more.
      isTaken ||= code === 'ECONNRESET';
    });
    socket.on('close', () => end(isTaken));
  });
}

/** Where a port of every address is to be found. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  return host === '::' ? 'localhost' : host;
}
