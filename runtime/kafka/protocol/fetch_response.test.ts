import { Buffer } from 'node:buffer';
import { expect, test } from '@jest/globals';
import { within } from '../../../test/support/deadline.ts';
import { kafka } from '../../../test/support/kafka.ts';
import { readRuns } from '../fetching/fetched_records.ts';
import { FETCH_BY_TOPIC_ID, FETCHES } from './fetch_response.ts';
import { ConnectionPool, metadataV12, parseBroker } from './platformatic_on_node20.ts';

test.each(FETCHES.map((fetch) => [fetch.version, fetch] as const))(
  'FETCHES of version %i bring records, aborted transactions and errors',
  async (version, fetch) => {
    const topic = await kafka.createTopic({ partitions: 2 });
    await (await topic.begin({ value: 'aborted' })).abort();
    await topic.produce({ value: 'shown' });
    const pool = new ConnectionPool('test', {});
    try {
      const connection = await pool.get(parseBroker(kafka.brokers));
      const metadata = await metadataV12.api.async(connection, [topic.name], false, false);
      const topicId = version >= FETCH_BY_TOPIC_ID ? metadata.topics[0]!.topicId : topic.name;
      const ask = (partition: number, fetchOffset: bigint) => ({
        ...{ partition, fetchOffset, partitionMaxBytes: 1000 },
        ...{ currentLeaderEpoch: -1, lastFetchedEpoch: -1 },
      });
      const topics = [{ topicId, partitions: [ask(0, 0n), ask(1, 5n)] }];
      const asked = fetch.async(connection, 500, 1, 1000, 1, 0, 0, topics, [], '');
      const { sessionId, partitions } = await within('the answer', asked);
      expect(sessionId).toBeGreaterThan(0);
      expect(partitions.map(({ partition, errorCode }) => [partition, errorCode])).toEqual([
        [0, 0],
        [1, 1],
      ]);
      expect(partitions[0]!.aborted).toEqual([{ producerId: expect.any(BigInt), firstOffset: 0n }]);
      const runs = [...readRuns(partitions[0]!, 0, 100)];
      expect(runs.map(({ next }) => next)).toEqual([3]);
      const values = runs.flatMap(({ records }) => records.map(({ value }) => value));
      expect(values.map((value) => `${Buffer.from(value!)}`)).toEqual(['shown']);
    } finally {
      await pool.close();
    }
  },
);
