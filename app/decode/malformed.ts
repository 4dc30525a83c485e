/** Bytes that are no value of their schema. */
export class Malformed extends Error {}

/** Bytes that would make more JSON than a value may have. */
export class TooLarge extends Malformed {
  constructor(bytes: number) {
    super(`more than ${bytes} bytes of JSON`);
  }
}

/**
 * How much longer the JSON may be than its value: a few bytes can stand for any number of items that
 * take none, or for a long name.
 */
const MAX_GROWTH = 256;
const MIN_ROOM = 64 * 1024;

/** How much JSON may be made of a value. */
export function maxJsonOf(bytes: Uint8Array): number {
  return bytes.length * MAX_GROWTH + MIN_ROOM;
}
