import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import process from 'node:process';

/**
 * @typedef {{ label: string, count: number, seconds: number }} Wait
 * @typedef {{ count: number, seconds: number }} Starts
 * @typedef {object} FileTimes
 * @property {number} seconds from its first to its last line
 * @property {number | null} processorSeconds of its worker and of the programs that it started
 * @property {Record<string, Starts>} starts of gateways and Kafkas
 * @property {Wait[]} waits the longest first; one may be within another, or beside it
 * @typedef {{ file: string, waited?: string, label?: string, ms?: number, worker?: number,
 *   processorSeconds?: number }} Note
 */

/** USER_HZ: the same on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;
/** Files that take less stand only in the file. */
const SHOWN_SECONDS = 2;
const SHOWN_WAITS = 3;

/**
 * Says of each test file how long it took and what it waited for, the slowest first, and writes the
 * same to `.cache/test_times.json`; `keep_durations.mjs` makes the order of the next runs of it.
 */
export default class TimesReporter {
  #rootDir;
  #folder = mkdtempSync(join(tmpdir(), 'test-times-'));
  #notes = join(this.#folder, 'notes');
  /** @type {Map<string, number>} */
  #seconds = new Map();

  /** @param {{ rootDir: string }} globalConfig */
  constructor({ rootDir }) {
    this.#rootDir = rootDir;
    // Before the workers are started, which take it over.
    process.env['TEST_TIMES'] = this.#notes;
  }

  /**
   * @param {{ path: string }} test
   * @param {{ perfStats: { runtime: number } }} result
   */
  onTestResult({ path }, { perfStats }) {
    this.#seconds.set(path, perfStats.runtime / 1000);
  }

  onRunComplete() {
    const text = existsSync(this.#notes) ? readFileSync(this.#notes, 'utf8').trim() : '';
    const notes = text === '' ? [] : text.split('\n').map((line) => JSON.parse(line));
    rmSync(this.#folder, { recursive: true, force: true });
    const processor = processorTimes(notes);
    const files = [...this.#seconds]
      .sort(([, a], [, b]) => b - a)
      .map(([path, seconds]) => {
        const own = notes.filter(({ file }) => file === path);
        const processorSeconds = processor.get(path) ?? null;
        const times = { seconds, processorSeconds, starts: startsOf(own), waits: waitsOf(own) };
        return /** @type {const} */ ([relative(this.#rootDir, path), rounded(times)]);
      });
    const cache = join(this.#rootDir, '.cache');
    mkdirSync(cache, { recursive: true });
    writeFileSync(
      join(cache, 'test_times.json'),
      `${JSON.stringify(Object.fromEntries(files), null, 1)}\n`,
    );
    const shown = files.filter(([, { seconds }]) => seconds >= SHOWN_SECONDS);
    if (shown.length === 0) return;
    const lines = shown.map(([file, times]) => `  ${lineOf(file, times)}\n`).join('');
    process.stderr.write(`Times, and what was waited for:\n${lines}  ${processorsOf()}\n`);
  }
}

/**
 * A worker's processor time from the first reading of a file to that of its next file: what the last
 * hooks ended is in it.
 *
 * @param {readonly Note[]} notes
 */
function processorTimes(notes) {
  /** @type {Map<string, number>} */
  const times = new Map();
  /** @type {Map<number, { file: string, first: number }>} */
  const current = new Map();
  for (const { file, worker, processorSeconds } of notes) {
    if (worker === undefined || processorSeconds === undefined) continue;
    const before = current.get(worker);
    if (before !== undefined) times.set(before.file, processorSeconds - before.first);
    if (before?.file !== file) current.set(worker, { file, first: processorSeconds });
  }
  return times;
}

/**
 * What all of it has computed: jest with its workers and all that these have waited for, and by name
 * what it has started and runs still, which is what files share.
 */
function processorsOf() {
  const own = statOf('self');
  if (own === null) return '';
  const shared = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(statOf)
    .filter((stat) => stat !== null && stat.parent === process.pid);
  const all = shared.reduce((sum, stat) => sum + (stat?.seconds ?? 0), own.seconds);
  const names = shared.map((stat) => `${stat?.name} ${Math.round(stat?.seconds ?? 0)} s`);
  return `computing in all: ${Math.round(all)} s, of these what files share: ${names.join(', ')}`;
}

/** @param {string} pid */
function statOf(pid) {
  try {
    const [, name = '', rest = ''] =
      /^\d+ \((.*)\) (.*)$/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
    const fields = rest.split(' ').map(Number);
    // utime, stime and those of the children that have ended.
    const ticks = fields.slice(11, 15).reduce((sum, field) => sum + field, 0);
    return { name, parent: fields[1], seconds: ticks / TICKS_PER_SECOND };
  } catch {
    return null;
  }
}

/** @param {readonly Note[]} notes */
function startsOf(notes) {
  /** @type {Record<string, Starts>} */
  const starts = {};
  for (const { waited = 'other', ms = 0 } of notes) {
    if (waited === 'other') continue;
    const { count, seconds } = starts[waited] ?? { count: 0, seconds: 0 };
    starts[waited] = { count: count + 1, seconds: seconds + ms / 1000 };
  }
  return starts;
}

/** @param {readonly Note[]} notes */
function waitsOf(notes) {
  /** @type {Map<string, Wait>} */
  const waits = new Map();
  for (const { waited, label = '', ms = 0 } of notes) {
    if (waited !== 'other') continue;
    const name = nameOf(label);
    const { count, seconds } = waits.get(name) ?? { count: 0, seconds: 0 };
    waits.set(name, { label: name, count: count + 1, seconds: seconds + ms / 1000 });
  }
  return [...waits.values()].sort((a, b) => b.seconds - a.seconds);
}

/**
 * Without what differs from one to the next.
 *
 * @param {string} label
 */
function nameOf(label) {
  return label
    .replace(/[;,].*$/s, '')
    .replace(/test-[0-9a-f-]{36}/g, '<topic>')
    .replace(/\/tmp\/\S*\//g, '')
    .replace(/\d+/g, 'N')
    .slice(0, 60);
}

/** @param {FileTimes} times */
function rounded(times) {
  return /** @type {FileTimes} */ (
    JSON.parse(JSON.stringify(times), (_, value) =>
      typeof value === 'number' ? Math.round(value * 10) / 10 : value,
    )
  );
}

/**
 * @param {string} file
 * @param {FileTimes} times
 */
function lineOf(file, { seconds, processorSeconds, starts, waits }) {
  const computed = processorSeconds === null ? '' : `, ${processorSeconds} s computing`;
  const started = Object.entries(starts).map(([what, { count, seconds }]) =>
    what === 'other' ? '' : `${count} ${what}: ${seconds} s`,
  );
  const waited = waits
    .slice(0, SHOWN_WAITS)
    .map(({ label, count, seconds }) => `${count} x ${JSON.stringify(label)}: ${seconds} s`);
  return `${seconds} s${computed}  ${file}  ${[...started, ...waited].join('; ')}`;
}
