import { expect } from '@jest/globals';
import { curl } from './curl.ts';
import type { Gateway } from './gateway.ts';
import type { Topic } from './kafka.ts';
import { ProcessUse } from './process_use.ts';
import { untilScraped } from './scrape.ts';
import type { SseStream } from './sse_stream.ts';

let written = 0;

/**
 * Does something hostile while a good client reads with `since=latest`, and looks whether all is well
 * then: the client gets what is written, the gateway lives, has let all others go and has not grown.
 */
export async function besideGoodClient(
  good: SseStream,
  { gateway, topic, maxGrownMb }: { gateway: Gateway; topic: Topic; maxGrownMb: number },
  hostile: () => Promise<void>,
): Promise<void> {
  await good.until('its start', () => good.blocks.some(({ kind }) => kind === 'id'));
  const before = new ProcessUse(gateway);
  await hostile();
  const value = `beside ${written++}`;
  await topic.produce({ value });
  await good.until(value, () => good.events.at(-1)?.data === value);
  expect((await curl(`${gateway.admin}/livez`)).status).toBe(200);
  await untilScraped('the other streams to be let go', gateway, (scrape) => {
    return scrape.value('sse_kafka_connections', { topic: topic.name }) === 1;
  });
  expect(new ProcessUse(gateway).since(before).grownMb).toBeLessThan(maxGrownMb);
  expect(gateway.stderr).not.toMatch(/"level":"(ERROR|FATAL)"/);
}
