import process from 'node:process';
import { GatewayError } from '../../app/errors.ts';
import type { ClientFilter, Clients } from '../../app/http/client_list.ts';
import { exposeMetrics, type ProcessMetrics } from '../process/prometheus.ts';
import { type ReadSettings, topicsOf } from '../process/settings.ts';
import { type RuntimeAdapter, Serving } from '../serving.ts';
import { AskedSlots } from './asked_slots.ts';
import { HealthReport } from './health_report.ts';
import type { PrimaryMessage, WorkerMessage } from './messages.ts';

const HEALTH_MS = 250;

/** One worker: serves on the shared ports with a feed of its own, until the primary ends it. */
export async function runWorker(
  adapter: RuntimeAdapter,
  version: string,
  settings: ReadSettings,
): Promise<void> {
  const { config } = settings;
  // A Ctrl-C reaches every process of the terminal: the primary says what becomes of it.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
  process.once('disconnect', () => process.exit(1));

  const slots = new AskedSlots(send);
  const serving = await Serving.create(adapter, settings, slots);
  const metrics = exposeMetrics(serving.gateway.measured, serving.facts(version));
  process.on('message', (message: PrimaryMessage) => {
    if (message.kind === 'drain') serving.drain();
    else if (message.kind === 'stop') serving.stop();
    else if (message.kind === 'reload') serving.reload();
    else if (message.kind === 'streams') takeStreams(serving, message);
    else if (message.kind === 'taken') slots.taken(message.number, message.refusal);
    else if (message.kind === 'measure') void measure(metrics, message.number);
    else if (message.kind === 'list clients')
      void list(serving.gateway.clients, message.number, message.filter);
    else if (message.kind === 'end clients') {
      const { number } = message;
      void serving.gateway.clients
        .end(message.choice)
        .then((count) => send({ kind: 'all clients', number, count }));
    }
  });
  const { gateway, listeners } = serving;
  let urls: readonly string[];
  try {
    urls = await listeners.openPublic({ ...config, topics: topicsOf(settings) }, gateway.fetch);
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    await sent({ kind: 'failed', message: error.message });
    process.exit(error.exitCode);
  }
  send({ kind: 'listening', urls });
  const report = new HealthReport((health) => send({ kind: 'health', health }));
  const tellHealth = (): void => report.tell(gateway.health());
  tellHealth();
  setInterval(tellHealth, HEALTH_MS).unref();
  await serving.run();
  await sent({ kind: 'ended' });
}

function takeStreams(
  serving: Serving,
  { text, isReadAgain }: Extract<PrimaryMessage, { kind: 'streams' }>,
): void {
  const { reloads } = serving.gateway.measured;
  if (text === null) reloads.faulty++;
  else if (serving.serveStreams(text) || isReadAgain) reloads.ok++;
}

async function measure(metrics: ProcessMetrics, number: number): Promise<void> {
  send({ kind: 'measured', number, values: await metrics.values() });
}

async function list(clients: Clients, number: number, filter: ClientFilter): Promise<void> {
  for await (const lines of clients.list(filter)) await sent({ kind: 'clients', number, lines });
  send({ kind: 'all clients', number, count: 0 });
}

function send(message: WorkerMessage): void {
  void sent(message);
}

/** It fails only once the primary is gone, which ends this process. */
function sent(message: WorkerMessage): Promise<unknown> {
  return new Promise((done) => process.send?.(message, undefined, undefined, done));
}
