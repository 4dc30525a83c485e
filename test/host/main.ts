/**
 * Gateways and a Kafka in one process, which does what it is told over HTTP: a gateway starts in
 * milliseconds here, and a topic is made in none. A gateway whose settings name other brokers reads
 * from them, as its users' do. Prints its port, and ends with its stdin.
 *
 *     POST /<command>  with a JSON object; answers with JSON, or 500 and what went wrong
 *
 * @module
 */
import { Buffer } from 'node:buffer';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import process from 'node:process';
import type { KafkaRecord } from '../../app/ports/source.ts';
import { configureLogging } from '../../runtime/process/logging.ts';
import type { RuntimeAdapter } from '../../runtime/serving.ts';
import { LocalGateway } from './local_gateway.ts';
import { type Configs, MemoryKafka } from './memory_kafka.ts';
import { MemorySource } from './memory_source.ts';

/** A record as JSON has it: bytes in base64. */
export interface RecordJson {
  readonly partition: number;
  readonly timestamp: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: readonly (readonly [name: string, value: string | null])[];
}

/** What it can be told, and what comes with it. */
export interface Commands {
  create: { name: string; id: string; partitions: number; configs: Configs };
  delete: { name: string };
  addPartitions: { name: string; count: number };
  configure: { name: string; configs: Configs };
  deleteBefore: { name: string; partition: number; offset: number };
  produce: { name: string; records: readonly RecordJson[]; isOpen: boolean };
  endTransaction: { name: string; partitions: readonly number[]; isCommitted: boolean };
  start: { id: string; env: Readonly<Record<string, string>> };
  end: { id: string; how: 'drain' | 'stop' };
}

/** The brokers of the Kafka in memory, as KAFKA_BROKERS names them. */
const IN_MEMORY = 'memory:9092';

const kafka = new MemoryKafka();
const onBrokers: RuntimeAdapter =
  'Deno' in globalThis
    ? (await import('../../runtime/deno_adapter.ts')).DENO
    : (await import('../../runtime/node_adapter.ts')).NODE;
const inMemory: RuntimeAdapter = { ...onBrokers, createSource: () => new MemorySource(kafka) };
const gateways = new Map<string, LocalGateway>();

const DO: { readonly [Name in keyof Commands]: (told: Commands[Name]) => void | Promise<void> } = {
  create: ({ name, id, partitions, configs }) => kafka.create(name, id, partitions, configs),
  delete: ({ name }) => kafka.delete(name),
  addPartitions: ({ name, count }) => kafka.addPartitions(name, count),
  configure: ({ name, configs }) => kafka.existing(name).configure(configs),
  deleteBefore: ({ name, partition, offset }) => kafka.deleteBefore(name, partition, offset),
  produce: ({ name, records, isOpen }) => kafka.produce(name, records.map(recordOf), isOpen),
  endTransaction: ({ name, partitions, isCommitted }) =>
    kafka.endTransaction(name, partitions, isCommitted),
  start: async ({ id, env }) => {
    const adapter = env['KAFKA_BROKERS'] === IN_MEMORY ? inMemory : onBrokers;
    gateways.set(id, await LocalGateway.start(adapter, env));
  },
  end: async ({ id, how }) => {
    const gateway = gateways.get(id);
    gateways.delete(id);
    await gateway?.end(how);
  },
};

function recordOf({ key, value, headers, ...rest }: RecordJson): Omit<KafkaRecord, 'offset'> {
  return {
    ...rest,
    key: bytesOf(key),
    value: bytesOf(value),
    headers: headers.map(([name, content]) => [name, bytesOf(content)] as const),
  };
}

/** Not a `Buffer`, which shares its memory with others. */
function bytesOf(base64: string | null): Uint8Array | null {
  return base64 === null ? null : new Uint8Array(Buffer.from(base64, 'base64'));
}

async function textOf(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece);
  return Buffer.concat(pieces).toString('utf8');
}

configureLogging({ logLevel: 'error', logFormat: 'json' });
const server = createServer(async (request, response) => {
  try {
    const command = request.url!.slice(1) as keyof Commands;
    await DO[command](JSON.parse(await textOf(request)));
    response.end('{}');
  } catch (error) {
    response.statusCode = 500;
    response.end(String((error as Error).stack));
  }
});
// Those who tell it something come again.
server.keepAliveTimeout = 0;
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`);
});
process.stdin.resume().on('close', () => process.exit(0));
