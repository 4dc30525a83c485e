import type { TopicOfStream } from '../../app/several/several_topics.ts';
import { Subscription } from '../../app/stretches/subscription.ts';
import { formatByName } from '../../app/views/format.ts';
import { viewIn } from '../../app/views/view.ts';
import { NameOfSeveral } from '../../app/wire/blocks_of_several.ts';
import type { MemoryTopic } from './memory_topic.ts';

const JSON_VIEW = viewIn(formatByName('json')!);

/**
 * A topic in memory as one of several in a stream.
 * @param hash of its name
 * @param whileTaken happens within each take, as where reading back wakes others
 */
export function topicOfStream(
  topic: MemoryTopic,
  hash: Uint8Array,
  whileTaken: () => void,
): TopicOfStream {
  return {
    topic,
    name: new NameOfSeveral(topic.topic, hash),
    subscribe: (begin, end) => {
      const one = new Subscription(topic, JSON_VIEW, begin, topic.sleepers, end);
      const takeBlocks = one.takeBlocks.bind(one);
      one.takeBlocks = () => {
        whileTaken();
        return takeBlocks();
      };
      return one;
    },
  };
}
