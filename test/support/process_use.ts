import { readFileSync } from 'node:fs';

/** A process, and what it has written on stderr. */
interface Observed {
  readonly pid: number;
  readonly stderr: string;
}

/** Linux counts processor time in hundredths of a second, whatever the kernel's own clock. */
const TICKS_PER_SECOND = 100;

/** What a process has used, to compare with what it has used later. */
export class ProcessUse {
  readonly cpuSeconds: number;
  readonly residentMb: number;
  readonly logLines: number;
  readonly #at = performance.now();

  constructor({ pid, stderr }: Observed) {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // From the state on: the name before it may hold spaces and brackets.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [user, system] = [Number(fields[11]), Number(fields[12])];
    this.cpuSeconds = (user + system) / TICKS_PER_SECOND;
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    this.residentMb = Number(/VmRSS:\s+(\d+) kB/.exec(status)![1]) / 1024;
    this.logLines = stderr.split('\n').length;
  }

  /** What was used since an earlier look. */
  since(earlier: ProcessUse): { cpuShare: number; grownMb: number; logLines: number } {
    const seconds = (this.#at - earlier.#at) / 1000;
    return {
      cpuShare: (this.cpuSeconds - earlier.cpuSeconds) / seconds,
      grownMb: this.residentMb - earlier.residentMb,
      logLines: this.logLines - earlier.logLines,
    };
  }
}
