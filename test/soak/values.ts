import type { Random } from '../model/random.ts';

/** Of several bytes, with line ends and with spaces where a client takes one away. */
const PIECES = [
  'plain words, ',
  'grün ',
  '  two spaces',
  '\n line',
  '\r\n',
  '🜁 ',
  '{"a":1}',
  '漢字',
];
const LARGE = 0.08;
/** Of the keys of a topic, beside those that are deleted. */
export const KEYS = 150;
/** Of the header of each record. */
export const KINDS = ['a', 'b', 'c', 'd', 'e'] as const;

/** A value that begins with its serial: mostly short, now and then large, so that what a gateway keeps in memory is outgrown. */
export function valueFor(serial: number, random: Random): string {
  const size = random.chance(LARGE) ? random.between(4000, 20_000) : random.between(20, 300);
  const pieces: string[] = [];
  for (let length = 0; length < size; length += pieces.at(-1)!.length) {
    pieces.push(random.pick(PIECES));
  }
  // A line end of one piece and that of the next must not become one.
  return `#${serial}#${pieces.join('')}.`;
}

/** What its header `kind` says: nothing but its serial decides, so that everybody knows it. */
export function kindOf(serial: number): string {
  return KINDS[serial % KINDS.length]!;
}

/** The key of a tombstone on a topic that is not compacted: there each has one of its own. */
export function ownKeyFor(serial: number): string {
  return `#${serial}#`;
}

/** The serial that a value or such a key begins with, or the text of a value that is an object. */
export function serialOf(text: string): number | null {
  const found = /^(?:\{"text":")?#(\d+)#/.exec(text);
  return found === null ? null : Number(found[1]);
}

/** The field `n` of a value that is an object. */
export function numberOf(serial: number): number {
  return serial % 10;
}
