import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { freePort } from '../../../test/support/free_port.ts';
import { brokerTrouble } from './broker_trouble.ts';
import { KafkaClient } from './kafka_client.ts';

const METADATA = 3;
const CORRELATION_ID = 8;

let server: Server;
let port: number;
const sockets = new Set<Socket>();
beforeEach(async () => {
  server = createServer((socket) => {
    sockets.add(socket);
    // What is asked comes in one piece, and is about its versions.
    socket.on('data', (question) => socket.write(versions(question.readInt32BE(CORRELATION_ID))));
  });
  port = await freePort();
  await once(server.listen(port), 'listening');
});
afterEach(() => {
  for (const socket of sockets) socket.destroy();
  server.close();
});

/** An answer to ApiVersions, version 1: of Kafka 2.2, which knows version 7 of Metadata at most. */
function versions(correlationId: number): Buffer {
  const answer = Buffer.alloc(4 + 4 + 2 + 4 + 6 + 4);
  answer.writeInt32BE(answer.length - 4, 0);
  answer.writeInt32BE(correlationId, 4);
  answer.writeInt32BE(1, 10);
  answer.writeInt16BE(METADATA, 14);
  answer.writeInt16BE(7, 18);
  return answer;
}

test('KafkaClient says of brokers that are too old which version they lack', async () => {
  const connection = { brokers: [`localhost:${port}`], tls: null, rack: null, sasl: null };
  const client = new KafkaClient(connection);
  const error: unknown = await client.metadata('events').catch((cause) => cause);
  expect(brokerTrouble(error, 'events', 'any')).toEqual({
    up: false,
    words:
      'version: the brokers are older than Kafka 2.3 (of request 3 they know version 7, not 8): update them',
  });
  await client.close();
});
