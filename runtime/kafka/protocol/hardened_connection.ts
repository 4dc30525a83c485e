import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
import type { Connection } from '@platformatic/kafka';
import { ForwardReader } from './forward_reader.ts';

/** As much as librdkafka takes; a fetch answers with a megabyte, or with one batch that is larger. */
const MAX_ANSWER_BYTES = 100_000_000;
/** The number of the request comes first. */
const MIN_ANSWER_BYTES = 4;
const SIZE_BYTES = 4;

/**
 * Lets a connection meet brokers that send garbage, or something else than a broker. Left alone the
 * client ends the process for sizes of a few bytes, and keeps up to 2 GB for others. To be called
 * before it connects.
 */
export function harden(connection: Connection, isTls: boolean): void {
  const send = connection.send.bind(connection) as Send;
  const sendAndReadForward: Send = (key, version, payload, parse, ...rest) =>
    send(
      key,
      version,
      payload,
      (id, k, v, reader) => parse(id, k, v, new ForwardReader(reader)),
      ...rest,
    );
  connection.send = sendAndReadForward as Connection['send'];
  // The socket is made right after this.
  queueMicrotask(() => {
    const socket = connection.socket as Socket | undefined;
    // The client begins to listen for answers at this very event.
    socket?.once(isTls ? 'secureConnect' : 'connect', () => checkSizes(socket));
  });
}

type Parse = (id: number, key: number, version: number, reader: ForwardReader) => unknown;
type Send = (
  key: number,
  version: number,
  payload: unknown,
  parse: Parse,
  ...rest: unknown[]
) => void;

/** Puts a look at the sizes of answers before whoever takes them. */
function checkSizes(socket: Socket): void {
  const sizes = new AnswerSizes();
  const takers = socket.listeners('data') as ((bytes: Buffer) => void)[];
  socket.removeAllListeners('data');
  socket.on('data', (bytes: Buffer) => {
    try {
      sizes.take(bytes);
    } catch (error) {
      socket.destroy(error as Error);
      return;
    }
    for (const take of takers) take(bytes);
  });
}

/** The sizes that answers begin with, in the order in which their bytes come. */
export class AnswerSizes {
  #isFirst = true;
  /** Bytes to come of the answer under way. */
  #left = 0;
  /** Bytes of a size that was cut. */
  #size = Buffer.alloc(0);

  /** @throws for a size that no answer has. */
  take(bytes: Buffer): void {
    // The client itself tells a broker that speaks TLS, by its first bytes.
    const isTls = this.#isFirst && isTlsRecord(bytes);
    this.#isFirst = false;
    if (isTls) return;
    for (let at = 0; at < bytes.length; ) {
      if (this.#left === 0) {
        const more = bytes.subarray(at, at + SIZE_BYTES - this.#size.length);
        this.#size = Buffer.concat([this.#size, more]);
        at += more.length;
        if (this.#size.length < SIZE_BYTES) return;
        this.#left = this.#size.readInt32BE(0);
        this.#size = Buffer.alloc(0);
        if (this.#left < MIN_ANSWER_BYTES || this.#left > MAX_ANSWER_BYTES) {
          throw new Error(`it sent an answer of ${this.#left} bytes, as no Kafka does`);
        }
      }
      const taken = Math.min(this.#left, bytes.length - at);
      this.#left -= taken;
      at += taken;
    }
  }
}

/** A handshake or an alert. */
function isTlsRecord(bytes: Buffer): boolean {
  return (bytes[0] === 0x15 || bytes[0] === 0x16) && bytes[1] === 0x03;
}
