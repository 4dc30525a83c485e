import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import process from 'node:process';

/**
 * A process, told apart from a later one that got its pid: `<pid>-<time it started>`. The unit of
 * the time is the system's.
 */
export type ProcessIdentity = `${number}-${number}`;

/** `null` when no such process runs; one that ended and was not yet waited for (a zombie) does not. */
export function identityOf(pid: number): ProcessIdentity | null {
  const start = process.platform === 'linux' ? startOnLinux(pid) : startByPs(pid);
  return start === null ? null : `${pid}-${start}`;
}

export function isRunning(identity: ProcessIdentity): boolean {
  return identityOf(pidOf(identity)) === identity;
}

export function pidOf(identity: ProcessIdentity): number {
  return Number.parseInt(identity, 10);
}

/** `null` for any other text, such as a file that was cut while it was written. */
export function parseIdentity(text: string): ProcessIdentity | null {
  return /^[1-9]\d*-\d+$/.test(text) ? (text as ProcessIdentity) : null;
}

/**
 * The clock tick after boot at which it started. No `ps` here: slim images have none.
 * See https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
 */
function startOnLinux(pid: number): number | null {
  const file = `/proc/${pid}/stat`;
  const stat = 'deno' in process.versions ? readByCat(file) : readIfThere(file);
  if (stat === null) return null;
  // The name in parentheses may itself hold spaces and parentheses. State is field 3, start 22.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return isDead(fields[0]) ? null : Number(fields[19]);
}

function readIfThere(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === 'ENOENT' || code === 'ESRCH') return null;
    throw error;
  }
}

/** Deno itself reads `/proc` only for programs that may do everything. */
function readByCat(file: string): string | null {
  try {
    return execFileSync('cat', [file], { encoding: 'utf8', stdio: 'pipe', timeout: 5000 });
  } catch (error) {
    if ((error as { status?: number }).status === 1) return null;
    throw error;
  }
}

function startByPs(pid: number): number | null {
  try {
    const text = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C' },
      timeout: 5000,
    });
    const [, state, start = ''] = /^\s*(\S+)\s+(.*\S)/.exec(text) ?? [];
    return isDead(state) ? null : Date.parse(start);
  } catch (error) {
    if ((error as { status?: number }).status === 1) return null;
    throw error;
  }
}

function isDead(state = ''): boolean {
  return /^[ZX]/.test(state);
}

/** Notes a process in a file. By rename, so that whoever is killed here leaves no half of it. */
export function noteProcess(file: string, identity: ProcessIdentity): void {
  writeFileSync(`${file}.new`, identity);
  renameSync(`${file}.new`, file);
}

/** The process that is noted in a file, by whatever process; `null` when it does not run. */
export function notedProcess(file: string): ProcessIdentity | null {
  const identity = existsSync(file) ? parseIdentity(readFileSync(file, 'utf8')) : null;
  return identity !== null && isRunning(identity) ? identity : null;
}
