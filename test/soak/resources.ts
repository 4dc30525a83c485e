import { readdir, readFile } from 'node:fs/promises';
import type { Point } from './slope.ts';

const PAGE_BYTES = 4096;
const MEGA = 2 ** 20;

/** What one process of a gateway took over its life; one that is started again begins anew. */
export class ProcessSeries {
  readonly name: string;
  readonly memory: Point[] = [];
  readonly files: Point[] = [];
  readonly #pid: number;

  constructor(name: string, pid: number) {
    this.name = name;
    this.#pid = pid;
  }

  /** @param at minutes since the start of the run */
  async sample(at: number): Promise<void> {
    const resident = await residentMegabytes(this.#pid);
    const files = await openFiles(this.#pid);
    if (resident === null || files === null) return;
    this.memory.push({ at, value: resident });
    this.files.push({ at, value: files });
  }
}

/** `null` for a process that has ended. */
export async function openFiles(pid: number): Promise<number | null> {
  return readdir(`/proc/${pid}/fd`).then(
    ({ length }) => length,
    () => null,
  );
}

async function residentMegabytes(pid: number): Promise<number | null> {
  const statm = await readFile(`/proc/${pid}/statm`, 'utf8').catch(() => null);
  const pages = statm?.split(' ')[1];
  return pages === undefined ? null : (Number(pages) * PAGE_BYTES) / MEGA;
}

const ESTABLISHED = '01';
const CLOSE_WAIT = '08';

/** Connections that somebody on this machine holds open at its own end with one of these ports. */
export async function openConnections(ports: readonly number[]): Promise<number> {
  const tables = await Promise.all(
    ['tcp', 'tcp6'].map((name) => readFile(`/proc/net/${name}`, 'utf8').catch(() => '')),
  );
  const ends = tables.flatMap((table) => [...table.matchAll(CONNECTION)]);
  return ends.filter(
    ([, port, state]) =>
      ports.includes(Number.parseInt(port!, 16)) && [ESTABLISHED, CLOSE_WAIT].includes(state!),
  ).length;
}

/** `sl: local_address:port remote_address:port state` */
const CONNECTION = /^ *\d+: [\dA-F]+:([\dA-F]{4}) [\dA-F]+:[\dA-F]{4} ([\dA-F]{2})/gm;
