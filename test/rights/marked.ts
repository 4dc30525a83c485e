/** What nobody may see without a right: names of topics, streams and users, keys, and each record. */
const MARK = /mk[0-9a-f]{12}/g;

/** A record that has its mark in its value and in a header, and that of its key. */
export interface Marked {
  readonly offset: number;
  /** The one that it is known by, however it is shown; a delete by its key's. */
  readonly mark: string;
  /** All that are in it. */
  readonly marks: readonly string[];
  readonly key: Uint8Array | null;
  readonly keyMark: string | null;
  /** Null: a delete. */
  readonly value: Uint8Array | null;
  readonly headers: readonly (readonly [string, Uint8Array | null])[];
}

/** Every mark in these bytes: as it is, and within what may be base64 of either alphabet. */
export function marksIn(text: string): Set<string> {
  const found = new Set(text.match(MARK));
  for (const [run] of text.matchAll(/[\w+/-]{12,}/g)) {
    for (let at = 0; at < 4; at++) {
      const bytes = Buffer.from(run.slice(at), 'base64').toString('latin1');
      for (const mark of bytes.match(MARK) ?? []) found.add(mark);
    }
  }
  return found;
}
