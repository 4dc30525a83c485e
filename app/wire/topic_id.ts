/**
 * The first four bytes of a topic's id, which tells apart topics that had one name one after the
 * other. Zeros where it is not known.
 */
export type TopicId = Uint8Array;

export const TOPIC_ID_BYTES = 4;
export const NO_TOPIC_ID: TopicId = new Uint8Array(TOPIC_ID_BYTES);

/** Whether two ids are the same, byte by byte. */
export function areSame(a: TopicId, b: TopicId): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}

/** Whether two ids may be of one topic: an id that is not known matches any. */
export function matches(a: TopicId, b: TopicId): boolean {
  return areSame(a, b) || areSame(a, NO_TOPIC_ID) || areSame(b, NO_TOPIC_ID);
}
