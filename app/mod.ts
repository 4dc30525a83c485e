/**
 * The gateway as a part of any program that answers requests, here below `/streams` of a Hono app:
 *
 * ```ts
 * const config = parseConfig({ KAFKA_BROKERS: 'kafka:9092', TOPICS: 'orders' });
 * const gateway = createGateway(config, source, new Map(), new CountedSlots(config));
 * const app = new Hono();
 * app.mount('/streams', (request) => gateway.fetch(request, connection));
 * await gateway.run(signal);
 * ```
 *
 * `source` reads from Kafka (`runtime/kafka/` has one for each client), `connection` is what the
 * server knows of the client's. Nothing here knows a runtime or a Kafka client. examples/hono_app
 * has it as a whole program.
 *
 * @module
 */

export type { SignInPorts } from './auth/sign_in_ports.ts';
export type { Channel, ChannelDefinition, Channels } from './channels/channels.ts';
export { type Config, parseConfig } from './config/config.ts';
export { createAdmin, type Health } from './describe/admin.ts';
export { ConfigError, type ConfigFault, type ErrorCode, GatewayError } from './errors.ts';
export { createGateway, type Gateway, type GatewayPorts } from './gateway.ts';
export type { StaticFile, StaticFiles } from './http/static_files.ts';
export { CountedSlots, type StreamSlots } from './http/stream_slots.ts';
export type { ByteSource, Receiver } from './ports/byte_source.ts';
export type { ClientConnection } from './ports/client_connection.ts';
export type { Compressor, Deflater } from './ports/compression.ts';
export type {
  Batch,
  BrokerStatus,
  KafkaRecord,
  OffsetSpec,
  Offsets,
  RecordSource,
  TopicDescription,
  TopicIdentity,
  TopicQuestions,
} from './ports/source.ts';
export type { RefusalReason } from './ports/stream_observer.ts';
