import { Buffer } from 'node:buffer';
import process from 'node:process';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { besideGoodClient } from '../support/beside_good_client.ts';
import { within } from '../support/deadline.ts';
import { fuzz } from '../support/fuzz.ts';
import { Gateway } from '../support/gateway.ts';
import {
  END_HEADERS,
  END_STREAM,
  FRAME,
  frame,
  getHead,
  H2Frames,
  PREFACE,
  uint32,
} from '../support/h2_frames.ts';
import { H2Session } from '../support/h2_session.ts';
import { kafka, type Topic } from '../support/kafka.ts';
import { onEachRuntime } from '../support/runtime.ts';
import { shared } from '../support/shared.ts';
import { SseStream } from '../support/sse_stream.ts';

const { DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, WINDOW_UPDATE } = FRAME;
const { CONTINUATION, GOAWAY } = FRAME;
const START = Buffer.concat([PREFACE, frame(SETTINGS, 0, 0)]);

/** The C library then overwrites what is given back: who reads on there does not find it as it was. */
const OVERWRITES_WHAT_IS_FREE = { MALLOC_PERTURB_: '165' };

function get(stream: number, path = '/index.html', flags = END_HEADERS | END_STREAM): Buffer {
  return frame(HEADERS, flags, stream, getHead(path));
}

function many(count: number, each: (n: number) => Buffer): Buffer {
  return Buffer.concat(Array.from({ length: count }, (_, n) => each(n)));
}

/** A header with a value of so many bytes, by default one that is not indexed. */
function header(bytes: number, kind = 0): Buffer {
  const length = [0x7f];
  let rest = bytes - 127;
  for (; rest >= 128; rest >>>= 7) length.push((rest & 127) | 128);
  length.push(rest);
  const value = Buffer.alloc(bytes, 'y');
  return Buffer.concat([Buffer.from([kind, 1, 0x78]), Buffer.from(length), value]);
}

/** A head that takes several frames. */
function longHead(stream: number, bytes: number): Buffer {
  const all = Buffer.concat([getHead('/index.html'), header(bytes)]);
  const pieces = many(Math.ceil(all.length / 16_000), (n) => {
    const piece = all.subarray(n * 16_000, (n + 1) * 16_000);
    const flags = (n + 1) * 16_000 >= all.length ? END_HEADERS : 0;
    return frame(
      n === 0 ? HEADERS : CONTINUATION,
      n === 0 ? flags | END_STREAM : flags,
      stream,
      piece,
    );
  });
  return pieces;
}

/** What RFC 9113 has an error for: by GOAWAY, RST_STREAM or the end of the connection. */
const WRONG: Readonly<Record<string, Buffer>> = {
  'another preface': Buffer.from('PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n'),
  'HTTP/1.1 instead': Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'),
  'no SETTINGS at first': Buffer.concat([PREFACE, get(1)]),
  'SETTINGS of five bytes': Buffer.concat([START, frame(SETTINGS, 0, 0, Buffer.alloc(5))]),
  'SETTINGS on a stream': Buffer.concat([START, frame(SETTINGS, 0, 1)]),
  'SETTINGS of a window that is too large': Buffer.concat([
    START,
    frame(SETTINGS, 0, 0, Buffer.from([0, 4, 0xff, 0xff, 0xff, 0xff])),
  ]),
  'a frame larger than was agreed on': Buffer.concat([
    START,
    frame(HEADERS, END_HEADERS, 1, Buffer.alloc(20_000)),
  ]),
  'a PING of nine bytes': Buffer.concat([START, frame(PING, 0, 0, Buffer.alloc(9))]),
  'a WINDOW_UPDATE of three bytes': Buffer.concat([
    START,
    frame(WINDOW_UPDATE, 0, 0, Buffer.alloc(3)),
  ]),
  'a WINDOW_UPDATE of nothing': Buffer.concat([START, frame(WINDOW_UPDATE, 0, 0, uint32(0))]),
  'a window that overflows': Buffer.concat([
    START,
    many(2, () => frame(WINDOW_UPDATE, 0, 0, uint32(2 ** 31 - 1))),
  ]),
  'a window of a stream that overflows': Buffer.concat([
    START,
    get(1, '/TOPIC'),
    many(2, () => frame(WINDOW_UPDATE, 0, 1, uint32(2 ** 31 - 1))),
  ]),
  'DATA on no stream': Buffer.concat([START, frame(DATA, 0, 0, Buffer.from('x'))]),
  'DATA before HEADERS': Buffer.concat([START, frame(DATA, 0, 1, Buffer.from('x'))]),
  'HEADERS on an even stream': Buffer.concat([START, get(2)]),
  'RST_STREAM of a stream that is not there': Buffer.concat([
    START,
    frame(RST_STREAM, 0, 1, uint32(8)),
  ]),
  'RST_STREAM of three bytes': Buffer.concat([
    START,
    get(1),
    frame(RST_STREAM, 0, 1, Buffer.alloc(3)),
  ]),
  'a push': Buffer.concat([START, frame(PUSH_PROMISE, END_HEADERS, 1, Buffer.alloc(4))]),
  'CONTINUATION without HEADERS': Buffer.concat([START, frame(CONTINUATION, END_HEADERS, 1)]),
  'another frame within a head': Buffer.concat([
    START,
    get(1, '/index.html', END_STREAM),
    frame(PING, 0, 0, Buffer.alloc(8)),
  ]),
  'HPACK that is none': Buffer.concat([
    START,
    frame(HEADERS, END_HEADERS | END_STREAM, 1, Buffer.alloc(40, 0xff)),
  ]),
  'HPACK of an entry that is not there': Buffer.concat([
    START,
    frame(HEADERS, END_HEADERS | END_STREAM, 1, Buffer.from([0xfe])),
  ]),
  'a head without a path': Buffer.concat([
    START,
    frame(HEADERS, END_HEADERS | END_STREAM, 1, Buffer.from([0x82, 0x87])),
  ]),
  'padding longer than its frame': Buffer.concat([
    START,
    frame(HEADERS, END_HEADERS | END_STREAM | 8, 1, Buffer.from([200, 0x82])),
  ]),
  'a head of a megabyte': Buffer.concat([START, longHead(1, 2 ** 20)]),
};

/** More of something than anybody needs. Answers are not read, so that they pile up. */
const FLOODS: Readonly<Record<string, (path: string) => Buffer>> = {
  SETTINGS: () => many(50_000, () => frame(SETTINGS, 0, 0, Buffer.from([0, 3, 0, 0, 0, 9]))),
  PING: () => many(50_000, () => frame(PING, 0, 0, Buffer.alloc(8))),
  CONTINUATION: () =>
    Buffer.concat([
      get(1, '/index.html', END_STREAM),
      many(20_000, (n) => frame(CONTINUATION, 0, 1, Buffer.from([0, 1, 0x61 + (n % 26), 1, 0x78]))),
    ]),
  'empty CONTINUATION': () =>
    Buffer.concat([
      get(1, '/index.html', END_STREAM),
      many(50_000, () => frame(CONTINUATION, 0, 1)),
    ]),
  'streams that are reset at once': (path) =>
    many(20_000, (n) =>
      Buffer.concat([get(2 * n + 1, path), frame(RST_STREAM, 0, 2 * n + 1, uint32(8))]),
    ),
  'empty DATA': () =>
    Buffer.concat([get(1, '/index.html', END_HEADERS), many(50_000, () => frame(DATA, 0, 1))]),
  PRIORITY: () => many(50_000, (n) => frame(PRIORITY, 0, 2 * n + 1, Buffer.from([0, 0, 0, 0, 1]))),
  WINDOW_UPDATE: () => many(50_000, () => frame(WINDOW_UPDATE, 0, 0, uint32(1))),
};

onEachRuntime((runtime) => {
  describe('frames of HTTP/2', () => {
    let topic!: Topic;
    const gateway = shared(async () => {
      topic = await kafka.createTopic();
      await topic.produce({ value: 'first' });
      return Gateway.startReady(runtime, { topics: [topic.name], env: OVERWRITES_WHAT_IS_FREE });
    });

    /** Lets a good client read while others do this, and looks whether all is well. */
    async function beside(others: () => Promise<void>): Promise<void> {
      await using h2 = new H2Session(gateway().https);
      const url = `${gateway().https}/${topic.name}?since=latest`;
      await using good = await SseStream.open(url, { h2: h2.session });
      await besideGoodClient(good, { gateway: gateway(), topic, maxGrownMb: 200 }, others);
    }

    test('that are wrong are refused, and other connections go on', () =>
      beside(async () => {
        const path = `/${topic.name}`;
        await using right = await H2Frames.open(gateway().https);
        right.send(get(1, path));
        await right.answered('what is right', HEADERS);
        expect(right).toMatchObject({ isOver: false, code: null });
        const accepted: string[] = [];
        for (const [name, bytes] of Object.entries(WRONG)) {
          const start = name.includes('window of a stream')
            ? Buffer.concat([
                START,
                get(1, path),
                bytes.subarray(START.length + get(1, '/TOPIC').length),
              ])
            : bytes;
          await using frames = await H2Frames.open(gateway().https, start);
          try {
            await frames.refused(name);
          } catch (error) {
            accepted.push(String(error));
          }
        }
        expect(accepted).toEqual([]);
      }));

    test('that say goodbye end their connection alone', () =>
      beside(async () => {
        const goodbye = frame(GOAWAY, 0, 0, Buffer.concat([uint32(0), uint32(0)]));
        for (let n = 0; n < 20; n += 1) {
          await using frames = await H2Frames.open(gateway().https);
          frames.send(goodbye);
          await frames.refused('a goodbye');
        }
      }));

    test.each(Object.keys(FLOODS))('that come without end hold up nobody: %s', (name) =>
      beside(async () => {
        await using frames = await H2Frames.open(gateway().https);
        frames.pause();
        frames.send(FLOODS[name]!(`/${topic.name}`));
        await within(`${name} to be taken, or cut`, frames.flushed());
        frames.resume();
        frames.send(frame(PING, 0, 0, Buffer.from('lastping')));
        await frames.answered(name, PING);
        process.stderr.write(
          `tests: on ${runtime.name}, a flood of ${name}: ${frames.isOver ? 'cut' : 'taken'}, code ${frames.code}\n`,
        );
      }),
    );

    test('that refer to one header again and again end their connection', () =>
      beside(async () => {
        await using frames = await H2Frames.open(gateway().https);
        const path = '/index.html';
        const indexed = Buffer.concat([getHead(path), header(3900, 0x40)]);
        const referring = Buffer.concat([getHead(path), Buffer.alloc(120, 0xbe)]);
        frames.send(
          frame(HEADERS, END_HEADERS | END_STREAM, 1, indexed),
          many(2000, (n) => frame(HEADERS, END_HEADERS | END_STREAM, 2 * n + 3, referring)),
        );
        await frames.over('heads of 468 kB in 136 bytes');
      }));

    test('that open more streams than a connection may have are refused', () =>
      beside(async () => {
        await using frames = await H2Frames.open(gateway().https);
        frames.send(many(1100, (n) => get(2 * n + 1, `/${topic.name}`)));
        await frames.refused('the streams that are too many');
      }));

    test('of any kind, size and order hold up nobody', () =>
      beside(async () => {
        const any = fc
          .record({
            type: fc.nat(11),
            flags: fc.nat(255),
            stream: fc.oneof(fc.constantFrom(0, 1, 3, 5), fc.nat(2 ** 31 - 1)),
            payload: fc.oneof(
              fc.uint8Array({ maxLength: 64 }),
              fc.constantFrom(getHead('/index.html'), getHead(`/${topic.name}`), uint32(1)),
            ),
            length: fc.option(fc.nat(2 ** 24 - 1)),
          })
          .map(({ type, flags, stream, payload, length }) =>
            frame(type, flags, stream, payload, length ?? payload.length),
          );
        const property = fc.asyncProperty(fc.array(any, { maxLength: 8 }), async (all) => {
          await using frames = await H2Frames.open(gateway().https);
          frames.send(...all);
          await within('frames to be taken, or cut', frames.flushed());
          await frames.answered('SETTINGS', SETTINGS);
        });
        await fuzz(`frames of HTTP/2 on ${runtime.name}`, property, 300);
      }));
  });
});
