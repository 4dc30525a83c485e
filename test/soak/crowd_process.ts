/**
 * A part of the crowd, in a process of its own: its clients, and the account that each is held against.
 *
 * @module
 */
import process from 'node:process';
import type { JWK } from 'jose';
import { Crowd, type Entrance } from './crowd.ts';
import { newAccounts, type ProducedTopics, type TopicName } from './kafka_topics.ts';
import type { Change } from './produced.ts';
import type { Row } from './subscriber.ts';
import { TokenMaker } from './tokens.ts';

/** What a part needs to begin. */
export interface PartStart {
  readonly size: number;
  readonly part: number;
  readonly parts: number;
  readonly seed: number;
  readonly tokenSeconds: readonly number[];
  readonly folder: string;
  readonly hasRegistry: boolean;
  readonly issuer: string;
  readonly entrance: Entrance;
}

/** In this order: an answer is given by all that was told before. */
export type ToPart =
  | { readonly kind: 'start'; readonly start: PartStart; readonly key: JWK }
  | { readonly kind: 'change'; readonly topic: TopicName; readonly change: Change }
  | { readonly kind: 'key'; readonly key: JWK }
  | { readonly kind: 'ask'; readonly number: number; readonly what: Question };

export type Question = 'look' | 'what is missing' | 'calm' | 'end';

/** How a part is. */
export interface State {
  /** When one of them got something last; Unix time in milliseconds. */
  readonly lastReceived: number;
  /** Clients that lack something, in words. */
  readonly incomplete: readonly string[];
  /** Why one of them cannot go on. */
  readonly fault: string | null;
  /** What is told of each at the end. */
  readonly rows: readonly Row[];
  readonly hasLeft: boolean;
}

export interface FromPart {
  readonly number: number;
  readonly state: State;
}

const SETTLE_MS = 500;

let topics: ProducedTopics;
let tokens: TokenMaker;
let crowd: Crowd;

process.on('message', async (message: ToPart) => {
  switch (message.kind) {
    case 'start':
      start(message.start, message.key);
      break;
    case 'change':
      topics[message.topic]!.apply(message.change);
      break;
    case 'key':
      tokens.use(message.key);
      break;
    default:
      process.send!({ number: message.number, state: await answer(message.what) });
  }
});
process.on('disconnect', () => process.exit());

function start({ hasRegistry, issuer, entrance, ...own }: PartStart, key: JWK): void {
  topics = newAccounts(hasRegistry);
  tokens = new TokenMaker(issuer, key);
  crowd = new Crowd({ ...own, topics, tokens });
  crowd.start(entrance);
  setInterval(() => crowd.settle(), SETTLE_MS);
}

async function answer(what: Question): Promise<State> {
  if (what === 'calm') crowd.calm();
  const incomplete = what === 'what is missing' ? crowd.incomplete : [];
  let [hasLeft, rows]: [boolean, readonly Row[]] = [false, []];
  if (what === 'end') {
    for (const subscriber of crowd.subscribers) subscriber.finish();
    hasLeft = await crowd.end();
    rows = crowd.subscribers.map(({ row }) => row);
  }
  return {
    lastReceived: crowd.lastReceived,
    incomplete: incomplete.map(({ description }) => description),
    fault: crowd.fault === null ? null : `${(crowd.fault as Error).stack}`,
    rows,
    hasLeft,
  };
}
