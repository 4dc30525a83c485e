import { Random } from '../model/random.ts';

export const FAULT_KINDS = [
  'broker killed',
  'broker frozen',
  'gateway killed',
  'rolling restart',
  'connections reset',
  'log compacted',
  'front deleted',
  'partition added',
  'short lives',
  'crowd too large',
] as const;

export type FaultKind = (typeof FAULT_KINDS)[number];

export interface Fault {
  /** Seconds after the start. */
  readonly at: number;
  readonly kind: FaultKind;
  /** Of what the fault draws itself. */
  readonly seed: number;
}

/** Shares of the faults; those that are cheap come more often. */
const WEIGHTS: Readonly<Record<FaultKind, number>> = {
  'broker killed': 1,
  'broker frozen': 1,
  'gateway killed': 2,
  'rolling restart': 1,
  'connections reset': 3,
  'log compacted': 1,
  'front deleted': 3,
  'partition added': 1,
  'short lives': 1,
  'crowd too large': 1,
};
/** Every id names every partition. */
const MAX_ADDED = 4;
const MIN_PAUSE = 3;
/** Seconds between two faults, at most, where nothing else is asked for. */
export const MAX_PAUSE = 12;

/** The faults of a run: the same for the same seed and time. Each kind comes once before any twice. */
export function planFaults(
  seed: number,
  seconds: number,
  kinds: readonly FaultKind[] = FAULT_KINDS,
  maxPause: number = MAX_PAUSE,
): Fault[] {
  const random = new Random(seed);
  const first = shuffled(kinds, random);
  const bag = kinds.flatMap((kind) => Array<FaultKind>(WEIGHTS[kind]).fill(kind));
  // A short run has to have room for each kind.
  const longest = Math.min(maxPause, Math.floor(seconds / kinds.length));
  const shortest = Math.min(Math.max(MIN_PAUSE, Math.floor(maxPause / 4)), longest);
  const faults: Fault[] = [];
  let added = 0;
  for (let at = shortest; ; at += random.between(shortest, longest)) {
    const isInTime = at < seconds;
    if (!isInTime && first.length === 0) return faults;
    const kind = first.shift() ?? random.pick(bag);
    if (kind === 'partition added' && ++added > MAX_ADDED) continue;
    faults.push({ at: Math.min(at, seconds), kind, seed: random.between(0, 2 ** 31) });
  }
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  const left = [...items];
  return items.map(() => left.splice(random.between(0, left.length - 1), 1)[0]!);
}
