/**
 * `npm run kafka`: the embedded Kafka without a gateway.
 *
 * @module
 */

import { dirname, relative } from 'node:path';
import process from 'node:process';
import { GatewayError } from '../../app/errors.ts';
import { readSettings } from '../process/settings.ts';
import {
  embeddedFolder,
  keepEmbeddedKafka,
  resetEmbeddedKafka,
  stopEmbeddedKafka,
} from './embedded_kafka.ts';
import { keepRegistry, stopRegistry } from './registry.ts';

const USAGE = `usage: npm run kafka                 start it; it runs on
       npm run kafka -- --registry   and a schema registry beside it (--registry=PORT, 8081)
       npm run kafka -- stop         stop both
       npm run kafka -- reset        stop both and wipe the records`;
const REGISTRY_PORT = 8081;

function say(line: string): void {
  console.error(`kafka: ${line}`);
}

async function main(args: readonly string[]): Promise<void> {
  const registry = args.length === 1 ? /^--registry(?:=(\d{1,5}))?$/.exec(args[0]!) : null;
  const [command = 'start', ...rest] = registry === null ? args : [];
  if (!['start', 'stop', 'reset'].includes(command) || rest.length > 0) {
    console.error(USAGE);
    process.exitCode = 2;
    return;
  }
  const { embeddedKafkaPort: port, topics } = readSettings('node').config;
  if (port === 0) throw new GatewayError('EMBEDDED_KAFKA', 'EMBEDDED_KAFKA_PORT=0: set a port');
  const options = { port, signal: stopped.signal, onProgress: say };
  if (command === 'start') {
    const { started, log } = await keepEmbeddedKafka({ ...options, topics });
    say(`${started ? 'runs' : 'runs already'} on localhost:${port}, topics ${topics.join(', ')}`);
    say(`log ${relative(process.cwd(), log)}; ends with \`npm run kafka -- stop\``);
    if (registry === null) return;
    const registryPort = Number(registry[1] ?? REGISTRY_PORT);
    const url = await keepRegistry({ ...options, port: registryPort, dataDir: dirname(log) });
    say(`a schema registry, which forgets all at its end: REGISTRY_URL=${url}`);
  } else {
    if (await stopRegistry(embeddedFolder(port))) say('the schema registry is stopped');
    const stopped = await (command === 'stop' ? stopEmbeddedKafka : resetEmbeddedKafka)(options);
    say(stopped ? `stopped on localhost:${port}` : `did not run on localhost:${port}`);
    if (command === 'reset') say('records wiped');
  }
}

const stopped = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => stopped.abort(new GatewayError('EMBEDDED_KAFKA', `ended by ${signal}`)));
}
try {
  await main(process.argv.slice(2));
} catch (error) {
  const cause = stopped.signal.aborted ? stopped.signal.reason : error;
  say(cause instanceof GatewayError ? cause.message : String(cause?.stack ?? cause));
  process.exitCode = cause instanceof GatewayError ? cause.exitCode : 1;
}
