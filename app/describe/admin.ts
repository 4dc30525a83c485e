import { Hono } from 'hono';
import { noSniffing } from '../http/no_sniffing.ts';
import type { BrokerStatus } from '../ports/source.ts';
import { addClients, type GuardedClients } from './admin_clients.ts';
import type { Exposition } from './metrics.ts';

/** What `/readyz` tells. */
export interface Health {
  /** What keeps the gateway from being ready, in words. */
  readonly missing: readonly string[];
  readonly brokers: BrokerStatus;
  /** Left out where there is none. */
  readonly registry?: BrokerStatus;
}

/**
 * The admin listener. `/livez` says that the process works and its ports answer, whatever the brokers
 * do; `/readyz` is 503 until every topic was loaded once and in drain, and stays 200 without brokers: taking all
 * gateways out of the balancer would end every stream for good. `/metrics` is for Prometheus.
 *
 * @param clients who is connected; `null`: nobody is told
 */
export function createAdmin(
  version: string,
  health: () => Health,
  metrics: Exposition,
  silentPorts: () => readonly string[],
  clients: GuardedClients | null = null,
): Hono {
  const admin = new Hono();
  admin.use(noSniffing);
  admin.get('/livez', (c) => {
    const silent = silentPorts();
    return silent.length === 0 ? c.text('ok\n') : c.text(`${silent.join('\n')}\n`, 503);
  });
  admin.get('/readyz', (c) => {
    const told = health();
    const ready = told.missing.length === 0;
    return c.json({ version, ready, ...told }, ready ? 200 : 503);
  });
  admin.get('/metrics', async (c) =>
    c.body(await metrics.text(), 200, { 'content-type': metrics.contentType }),
  );
  if (clients !== null) addClients(admin, clients);
  const paths =
    clients === null ? '/livez, /readyz and /metrics' : '/livez, /readyz, /metrics and /clients';
  admin.notFound((c) => c.text(`Not found: this listener has ${paths}\n`, 404));
  return admin;
}
