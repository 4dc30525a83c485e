import { Buffer } from 'node:buffer';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { Gateway } from '../support/gateway.ts';
import {
  END_HEADERS,
  END_STREAM,
  FRAME,
  frame,
  getHead,
  H2Frames,
  uint32,
} from '../support/h2_frames.ts';
import { kafka, type Topic } from '../support/kafka.ts';
import { connectRaw } from '../support/raw_exchange.ts';
import { onEachRuntime } from '../support/runtime.ts';
import { shared } from '../support/shared.ts';
import { probe } from './probe.ts';

const { CONTINUATION, HEADERS, PING, PRIORITY, RST_STREAM, SETTINGS, WINDOW_UPDATE } = FRAME;
const ATTACK_MS = 8000;
const CASE_MS = 120_000;
/** 250 ms are meant, on a machine that does nothing else. */
const STALL_MS = 2500;

type Attack = (origin: string, path: string, until: number) => Promise<void>;

function many(count: number, each: (n: number) => Buffer): Buffer {
  return Buffer.concat(Array.from({ length: count }, (_, n) => each(n)));
}

/** An integer of HPACK behind its first bits. */
function integer(first: number, bits: number, value: number): Buffer {
  const limit = 2 ** bits - 1;
  if (value < limit) return Buffer.from([first | value]);
  const bytes = [first | limit];
  let rest = value - limit;
  for (; rest >= 128; rest >>>= 7) bytes.push((rest & 127) | 128);
  bytes.push(rest);
  return Buffer.from(bytes);
}

/** A head that puts a header of 3.9 kB into the table. */
function bomb(path: string): Buffer {
  const value = Buffer.alloc(3900, 'y');
  return Buffer.concat([
    getHead(path),
    Buffer.from([0x40, 1, 0x78]),
    integer(0, 7, value.length),
    value,
  ]);
}

const REFER = Buffer.from([0xbe]);

/** Attacks with one connection after the other, as each of them ends. */
async function again(until: number, once: () => Promise<void>): Promise<void> {
  while (performance.now() < until) {
    await once();
    await delay(1);
  }
}

function get(stream: number, path: string, flags = END_HEADERS | END_STREAM): Buffer {
  return frame(HEADERS, flags, stream, getHead(path));
}

/** Writes the same again and again until the connection is over. */
async function keepSending(
  frames: H2Frames,
  until: number,
  piece: (n: number) => Buffer,
): Promise<void> {
  for (let n = 0; performance.now() < until && !frames.isOver; n++) {
    frames.send(piece(n));
    await frames.flushed();
    await delay(1);
  }
}

const ATTACKS: Readonly<Record<string, Attack>> = {
  'TLS handshakes that never end': async (origin, _, until) => {
    const sockets = await Promise.all(Array.from({ length: 500 }, () => connectRaw(origin)));
    await delay(Math.max(0, until - performance.now()));
    for (const socket of sockets) socket.destroy();
  },
  'heads that never end': async (origin, path, until) => {
    const slow = async (): Promise<void> => {
      await using frames = await H2Frames.open(origin);
      frames.send(get(1, path, END_STREAM));
      await delay(Math.max(0, until - performance.now()));
    };
    await Promise.all(Array.from({ length: 200 }, slow));
  },
  'a header of 3.9 kB, referred to 120 times a request': (origin, path, until) =>
    again(until, async () => {
      await using frames = await H2Frames.open(origin);
      frames.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, bomb(path)));
      const head = Buffer.concat([getHead(path), ...Array.from({ length: 120 }, () => REFER)]);
      await keepSending(frames, until, (round) =>
        many(100, (n) => frame(HEADERS, END_HEADERS | END_STREAM, 2 * (n + 100 * round) + 3, head)),
      );
    }),
  'streams that are opened and reset at once': (origin, path, until) =>
    again(until, async () => {
      await using frames = await H2Frames.open(origin);
      await keepSending(frames, until, (round) =>
        many(1000, (n) => {
          const stream = 2 * (n + 1000 * round) + 1;
          return Buffer.concat([get(stream, path), frame(RST_STREAM, 0, stream, uint32(8))]);
        }),
      );
    }),
  '10,000 streams of a topic on one connection': (origin, path, until) =>
    again(until, async () => {
      await using frames = await H2Frames.open(origin);
      frames.send(many(10_000, (n) => get(2 * n + 1, path)));
      await frames.flushed();
      await delay(Math.max(0, until - performance.now()));
    }),
  '10,000 requests for a file on one connection, again and again': (origin, _, until) =>
    again(until, async () => {
      await using frames = await H2Frames.open(origin);
      frames.send(many(10_000, (n) => get(2 * n + 1, '/page.js')));
      await frames.flushed();
      await delay(Math.min(1000, Math.max(0, until - performance.now())));
    }),
  '10,000 requests for a file on one connection whose windows are closed': (origin, _, until) =>
    again(until, async () => {
      await using frames = await H2Frames.open(origin);
      frames.send(frame(SETTINGS, 0, 0, Buffer.from([0, 4, 0, 0, 0, 0])));
      frames.send(many(10_000, (n) => get(2 * n + 1, '/page.js')));
      await frames.flushed();
      await delay(Math.min(4000, Math.max(0, until - performance.now())));
    }),
  'windows of 2 GB of which nothing is read': (origin, path, until) =>
    again(until, async () => {
      await using frames = await H2Frames.open(origin);
      frames.pause();
      frames.send(frame(SETTINGS, 0, 0, Buffer.from([0, 4, 0x7f, 0xff, 0xff, 0xff])));
      frames.send(frame(WINDOW_UPDATE, 0, 0, uint32(2 ** 31 - 1 - 65_535)));
      frames.send(many(1000, (n) => get(2 * n + 1, n % 2 === 0 ? path : '/page.js')));
      await frames.flushed();
      await delay(Math.max(0, until - performance.now()));
    }),
  CONTINUATION: (origin, path, until) =>
    again(until, async () => {
      await using frames = await H2Frames.open(origin);
      frames.send(get(1, path, END_STREAM));
      const some = many(1000, () => frame(CONTINUATION, 0, 1, Buffer.from([0, 1, 0x61, 1, 0x78])));
      await keepSending(frames, until, () => some);
    }),
  PING: (origin, _, until) => flood(origin, until, frame(PING, 0, 0, Buffer.alloc(8))),
  SETTINGS: (origin, _, until) =>
    flood(origin, until, frame(SETTINGS, 0, 0, Buffer.from([0, 3, 0, 0, 0, 9]))),
  PRIORITY: (origin, _, until) =>
    flood(origin, until, frame(PRIORITY, 0, 1, Buffer.from([0, 0, 0, 3, 1]))),
  WINDOW_UPDATE: (origin, _, until) => flood(origin, until, frame(WINDOW_UPDATE, 0, 0, uint32(1))),
};

/** The same frame for as long as it is taken; no answer is read. */
function flood(origin: string, until: number, one: Buffer): Promise<void> {
  const some = many(4000, () => one);
  return again(until, async () => {
    await using frames = await H2Frames.open(origin);
    frames.pause();
    await keepSending(frames, until, () => some);
  });
}

onEachRuntime((runtime) => {
  describe('over HTTP/2', () => {
    let topic!: Topic;
    const gateway = shared(async () => {
      topic = await kafka.createTopic();
      await topic.produce({ value: '0' });
      return Gateway.startReady(runtime, { topics: [topic.name] });
    });

    test.each(Object.keys(ATTACKS))(
      'a client with a topic of its own stays well beside %s',
      async (name) => {
        const attacked = { gateway: gateway(), topic };
        const row = await probe(`${name}, on ${runtime.name}`, attacked, () =>
          ATTACKS[name]!(gateway().https, `/${topic.name}`, performance.now() + ATTACK_MS),
        );
        expect(row.p99).toBeLessThan(STALL_MS);
        expect(row.grownMb).toBeLessThan(100);
      },
      CASE_MS,
    );
  });
});
