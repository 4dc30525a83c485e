import type { Log } from '../log/log.ts';
import type { Offsets, TopicDescription, TopicQuestions } from '../ports/source.ts';
import type { TopicState } from '../stretches/topic.ts';
import { within } from '../waits/abortable.ts';
import type { Positions } from '../wire/place.ts';
import { areSame } from '../wire/topic_id.ts';

/** How long questions to the brokers may take together, in milliseconds. */
export const ASK_MS = 10_000;
/** A topic that changes under each of so many tries is left for the next time. */
const MAX_TRIES = 5;

/**
 * Asks for a topic's description and offsets. Offsets are listed by name, so they may be those of
 * a topic that was made anew meanwhile: they count only if the description after them is that of
 * before.
 *
 * @returns `null` where the topic does not exist.
 * @throws when the brokers cannot be asked.
 */
export function askTopicState(
  source: TopicQuestions,
  topic: string,
  known: TopicDescription | null,
  signal: AbortSignal,
): Promise<TopicState | null> {
  return within(ask(source, topic, known, signal), ASK_MS, signal);
}

async function ask(
  source: TopicQuestions,
  topic: string,
  known: TopicDescription | null,
  signal: AbortSignal,
): Promise<TopicState | null> {
  let before = known ?? (await source.describe(topic, signal));
  for (let tries = 0; before !== null && tries < MAX_TRIES; tries++) {
    const partitions = Array.from({ length: before.partitions }, (_, partition) => partition);
    const offsets = await Promise.allSettled([
      source.offsets(topic, partitions, 'earliest', signal),
      source.offsets(topic, partitions, 'latest', signal),
    ]);
    const after = await source.describe(topic, signal);
    if (after === null) return null;
    const [starts, ends] = offsets;
    if (areSame(before.id, after.id) && before.partitions === after.partitions) {
      if (starts.status === 'rejected') throw starts.reason;
      if (ends.status === 'rejected') throw ends.reason;
      return { description: after, starts: starts.value, ends: ends.value };
    }
    before = after;
  }
  if (before === null) return null;
  throw new Error(`topic ${topic} changes all the time`);
}

/**
 * Whether a log is of the topic as it is now: not made anew, not cut, of the same kind.
 * @param positions the log's from before the topic was looked at: it may have gone on since
 */
export function isOfTopic(log: Log, positions: Positions, state: TopicState): boolean {
  const { description, ends } = state;
  return (
    areSame(log.topicId, description.id) &&
    (log.keys !== null) === description.compacted &&
    positions.length <= description.partitions &&
    positions.every((position, partition) => position <= (ends.get(partition) ?? 0))
  );
}

/** Offsets as an array; 0 in a partition for which there is none. */
export function toPositions({ partitions }: TopicDescription, offsets: Offsets): Positions {
  return Float64Array.from({ length: partitions }, (_, partition) => offsets.get(partition) ?? 0);
}
