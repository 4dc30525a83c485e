import type { Socket } from 'node:net';
import { Transform } from 'node:stream';
import type { Way } from './relay.ts';

/** Keys of requests: https://kafka.apache.org/protocol#protocol_api_keys */
export const API = { fetch: 1, metadata: 3 } as const;
const NOT_LEADER_OR_FOLLOWER = 6;

/** In a request: after its length. */
const API_KEY = 4;
const CORRELATION_ID = 8;
/** In an answer: after its length, the correlation id, no tags and the throttle time. */
const BROKERS = 4 + 4 + 1 + 4;
/** After these, an error and the session. */
const TOPICS = BROKERS + 2 + 4;
/** Of the first partition, after the topics' count and id, the partitions' count and its number. */
const PARTITION_ERROR = TOPICS + 1 + 16 + 1 + 4;

/** What becomes of a whole answer; `null` cuts the connection in its place. */
export type OnAnswer = (frame: Buffer, api: number) => Buffer | null;

/** The way through a relay that shows each answer of a Kafka, with the key of what was asked. */
export function inFrames(onAnswer: OnAnswer): (client: Socket) => Way {
  return (client) => {
    const asked = new Map<number, number>();
    const there = framewise((frame) => {
      asked.set(frame.readInt32BE(CORRELATION_ID), frame.readInt16BE(API_KEY));
      return frame;
    });
    const back = framewise((frame) => {
      const id = frame.readInt32BE(4);
      const api = asked.get(id)!;
      asked.delete(id);
      const answer = onAnswer(frame, api);
      if (answer === null) client.destroy();
      return answer;
    });
    return { there, back };
  };
}

function framewise(change: (frame: Buffer) => Buffer | null): Transform {
  let rest = Buffer.alloc(0);
  return new Transform({
    transform(bytes: Buffer, _, done) {
      rest = Buffer.concat([rest, bytes]);
      while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE(0)) {
        const end = 4 + rest.readInt32BE(0);
        const changed = change(rest.subarray(0, end));
        if (changed !== null) this.push(changed);
        rest = rest.subarray(end);
      }
      done();
    },
  });
}

/** @param frame of Metadata, version 9 and later */
export function namesNoBroker(frame: Buffer): boolean {
  return frame[BROKERS] === 1;
}

/** @param frame of Metadata, version 9 and later, with one broker that has neither rack nor tags */
export function withoutBrokers(frame: Buffer): Buffer {
  if (namesNoBroker(frame)) return frame;
  const host = BROKERS + 1 + 4;
  const end = host + frame[host]! + 4 + 1 + 1;
  const left = Buffer.concat([frame.subarray(0, BROKERS), Buffer.of(1), frame.subarray(end)]);
  left.writeInt32BE(left.length - 4);
  return left;
}

/** @param frame of Fetch, version 13 and later */
export function withoutLeader(frame: Buffer): Buffer {
  if (frame[TOPICS]! > 1) frame.writeInt16BE(NOT_LEADER_OR_FOLLOWER, PARTITION_ERROR);
  return frame;
}
