import type { ProcessSeries } from './resources.ts';
import { slopeOf } from './slope.ts';
import type { Row } from './subscriber.ts';
import { Tally } from './tally.ts';

/** What a run came to. */
export interface Outcome {
  readonly seed: number;
  readonly runtime: string;
  readonly minutes: number;
  readonly produced: Readonly<Record<string, number>>;
  readonly total: Tally;
  /** Clients that chose records by a filter, and what they got. */
  readonly filtered: { readonly clients: number; readonly delivered: number };
  /** Of those who may not read: answers that refused them, and answers that told them something. */
  readonly strangers: { readonly refused: number; readonly leaked: number };
  /** Streams that ended because a broker was away. */
  readonly streamsEnded: number;
  /** Gateways that ended by themselves or not with 0 when they were asked to. */
  readonly badEnds: number;
  /** Client connections that a gateway still held when all clients had left. */
  readonly connectionsLeft: number;
  readonly processes: readonly Slopes[];
  /** Why streams ended at the last process of each gateway. */
  readonly endings: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

export interface Slopes {
  readonly name: string;
  /** From when to when, in minutes of the run. */
  readonly from: number;
  readonly to: number;
  readonly lastMegabytes: number;
  readonly kilobytesPerMinute: number;
  readonly filesPerMinute: number;
}

/** Of the measured time; the slope of one that lived for less says nothing. */
const MIN_SHARE = 0.3;
const KILO = 1024;

/** What is measured of processes that lived on for some time after a run had warmed up. */
export function slopesOf(
  uses: readonly ProcessSeries[],
  warmMinutes: number,
  minutes: number,
): Slopes[] {
  return uses.flatMap(({ name, memory, files }) => {
    const warm = memory.filter(({ at }) => at >= warmMinutes);
    const last = warm.at(-1);
    if (last === undefined) return [];
    if (last.at - warm[0]!.at < MIN_SHARE * (minutes - warmMinutes)) return [];
    const filesSlope = slopeOf(files.filter(({ at }) => at >= warmMinutes));
    return {
      name,
      from: round(warm[0]!.at, 1),
      to: round(last.at, 1),
      lastMegabytes: round(last.value, 1),
      kilobytesPerMinute: round((slopeOf(warm) ?? 0) * KILO, 1),
      filesPerMinute: round(filesSlope ?? 0, 2),
    };
  });
}

export function isClean(outcome: Outcome): boolean {
  const { total, strangers, streamsEnded, badEnds, connectionsLeft } = outcome;
  const faults = strangers.leaked + streamsEnded + badEnds + connectionsLeft;
  return total.isClean && faults === 0;
}

const COLUMNS: readonly (readonly [string, (tally: Tally) => number])[] = [
  ['delivered', ({ delivered }) => delivered],
  ['lost', ({ lost }) => lost],
  ['dead', ({ dead }) => dead],
  ['doubled', ({ doubled }) => doubled],
  ['out of order', ({ outOfOrder }) => outOfOrder],
  ['wrong', ({ wrong }) => wrong],
  ['gaps', ({ explainedGaps }) => explainedGaps],
  ['unexplained', ({ unexplainedGaps }) => unexplainedGaps],
  ['reconnects', ({ reconnects }) => reconnects],
  ['refused', ({ refusals }) => refusals],
  ['late', ({ late }) => late],
  ['expired', ({ expired }) => expired],
];

/** A row for each kind of client and topic, and one for all. */
export function tableOf(clients: readonly Row[], outcome: Outcome): string {
  const { produced, total } = outcome;
  const names = COLUMNS.map(([name]) => name);
  const rows = [['client', 'topic', 'clients', 'filtered', 'produced', ...names]];
  for (const group of groups(clients)) {
    const { kind, topic } = group[0]!;
    const count = topic.split(',').reduce((all, name) => all + produced[name]!, 0);
    rows.push([kind, topic, ...sizes(group), `${count}`, ...cells(sum(group))]);
  }
  const all = Object.values(produced).reduce((a, b) => a + b, 0);
  rows.push(['all', '', ...sizes(clients), `${all}`, ...cells(total)]);
  return aligned(rows);
}

/** What is to be told of each process. */
export function slopesText({ processes }: Outcome): string {
  return processes
    .map(
      ({ name, from, to, lastMegabytes, kilobytesPerMinute, filesPerMinute }) =>
        `${name}: from minute ${from} to ${to} memory ${kilobytesPerMinute} kB a minute ` +
        `(${lastMegabytes} MB at the end), open files ${filesPerMinute} a minute\n`,
    )
    .join('');
}

export function sum(clients: readonly Row[]): Tally {
  const total = new Tally();
  for (const { tally } of clients) total.add(tally);
  return total;
}

function groups(clients: readonly Row[]): Iterable<readonly Row[]> {
  const groups = new Map<string, Row[]>();
  for (const client of clients) {
    const name = `${client.kind}\t${client.topic}`;
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [client]);
    else group.push(client);
  }
  return groups.values();
}

/** How many there are, and how many of them chose by a filter. */
function sizes(clients: readonly Row[]): string[] {
  return [`${clients.length}`, `${clients.filter(({ isFiltered }) => isFiltered).length}`];
}

function cells(tally: Tally): string[] {
  return COLUMNS.map(([, value]) => `${value(tally)}`);
}

function aligned(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map((row) => {
      const padded = row.map((cell, column) =>
        column < 2 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!),
      );
      return `${padded.join('  ').trimEnd()}\n`;
    })
    .join('');
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
