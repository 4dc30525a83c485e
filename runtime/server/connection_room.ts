import { readFileSync } from 'node:fs';
import process from 'node:process';
import { getLogger } from '@logtape/logtape';

const logger = getLogger(['sse-kafka', 'http']);

/** Files that the rest of the process may have open: connections to the brokers above all. */
const RESERVED_FILES = 100;
const RESERVED_FILES_PER_TOPIC = 20;
const REPEAT_MS = 60_000;

/**
 * How many connections all public ports of a process may have, below its limit of open files: who
 * has none left can neither accept nor reach a broker, and Deno's listeners never accept again.
 */
export class ConnectionRoom {
  readonly #limit: number | null;
  #max: number;
  #open = 0;
  #toldAt = Number.NEGATIVE_INFINITY;

  /** @param limit of open files; `null` where it is not known */
  constructor(topics: number, limit: number | null = openFilesLimit()) {
    const reserved = RESERVED_FILES + RESERVED_FILES_PER_TOPIC * topics;
    this.#limit = limit;
    this.#max = limit === null ? Number.POSITIVE_INFINITY : limit - Math.min(reserved, limit / 2);
  }

  get max(): number {
    return Math.floor(this.#max);
  }

  /**
   * Says so where more streams are promised than there can be connections.
   * @param workers that share them, with as many open files each
   */
  warnOf(maxConnections: number, workers = 1): void {
    const max = workers * this.max;
    if (maxConnections <= max) return;
    const whose = workers === 1 ? '' : ` of each of ${workers} workers`;
    logger.warn(
      'MAX_CONNECTIONS is {maxConnections}, but the limit of {limit} open files{whose} leaves room for {max} connections: raise it (ulimit -n, LimitNOFILE), or lower MAX_CONNECTIONS',
      { maxConnections, limit: this.#limit, whose, max },
    );
  }

  /** @returns whether there is room for one more */
  enter(): boolean {
    if (this.#open >= this.max) {
      this.#tell();
      return false;
    }
    this.#open++;
    return true;
  }

  leave(): void {
    this.#open--;
  }

  #tell(): void {
    const now = performance.now();
    if (now - this.#toldAt < REPEAT_MS) return;
    this.#toldAt = now;
    logger.warn(
      'Connections are dropped: {open} are open, which is all that the limit of {limit} open files has room for: raise it (ulimit -n, LimitNOFILE)',
      { open: this.#open, limit: this.#limit },
    );
  }
}

/**
 * Both runtimes raise the limit to the hardest one. Linux tells it; but Deno lets nobody read that who
 * may not do everything, so that what starts it there hands it in as OPEN_FILES.
 */
function openFilesLimit(): number | null {
  try {
    const limits = readFileSync('/proc/self/limits', 'latin1');
    return Number(/^Max open files +(\d+)/m.exec(limits)?.[1]) || null;
  } catch {
    return Number(process.env['OPEN_FILES']) || null;
  }
}
