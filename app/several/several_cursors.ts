import type { Start } from '../stretches/step.ts';
import { type AnyCursor, type Cursor, cursorFor } from '../wire/cursor.ts';
import type { Since } from '../wire/since.ts';
import { areSame, NO_TOPIC_ID, type TopicId } from '../wire/topic_id.ts';

/** What is known of a topic that a client comes for. */
export interface KnownTopic {
  readonly nameHash: Uint8Array;
  /** Its id; `null` where there is no such topic, `undefined` while that is not known. */
  readonly id: TopicId | null | undefined;
}

/** Where the client of several topics wants to begin in all of them. */
export interface StartOfSeveral {
  readonly cursor: AnyCursor | null | 'unreadable';
  readonly since: Since | null;
}

/**
 * Where a client begins in each of its topics. The cursor of one topic counts for the one that has its
 * id bytes.
 * @returns `null` as long as it is not known which one that is
 */
export function startsOf(
  { cursor, since }: StartOfSeveral,
  topics: readonly KnownTopic[],
): Start[] | null {
  if (cursor === null || cursor === 'unreadable') return topics.map(() => ({ cursor, since }));
  if ('topics' in cursor) {
    return topics.map(({ nameHash }) => ({ cursor: cursorFor(cursor, nameHash), since: null }));
  }
  const owners = topics.filter(({ id }) => id && areSame(id, cursor.topicId));
  const isOfNone = areSame(cursor.topicId, NO_TOPIC_ID) || owners.length > 1;
  if (owners.length !== 1 || isOfNone) {
    const mayBeFound = !isOfNone && topics.some(({ id }) => id === undefined);
    return mayBeFound ? null : topics.map(() => ({ cursor: 'unreadable', since }));
  }
  const startOf = (one: KnownTopic): Cursor | null => (one === owners[0] ? cursor : null);
  return topics.map((one) => ({ cursor: startOf(one), since: null }));
}
