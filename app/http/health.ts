import { Hono } from 'hono';
import type { Feed } from '../feed/feed.ts';
import type { RecordSource } from '../source.ts';

/**
 * The admin listener. `/livez` says that the process works, whatever the brokers do; `/readyz`
 * is 503 until every topic was loaded once, and stays 200 without brokers: taking all gateways out
 * of the balancer would end every stream for good.
 */
export function createAdmin(feeds: Iterable<Feed>, source: RecordSource): Hono {
  const topics = [...feeds];
  const admin = new Hono();
  admin.get('/livez', (c) => c.text('ok\n'));
  admin.get('/readyz', (c) => {
    const missing = topics.map((feed) => feed.missing).filter((words) => words !== null);
    const { up, error } = source.status();
    const ready = missing.length === 0;
    return c.json({ ready, missing, brokers: { up, error } }, ready ? 200 : 503);
  });
  admin.notFound((c) => c.text('Not found: this listener has /livez and /readyz\n', 404));
  return admin;
}
