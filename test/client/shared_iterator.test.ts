import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { shared } from '../../public/client/shared.js';
import { streamKey } from '../../public/client/shared_leader.js';
import { eventually } from '../support/deadline.ts';
import { ScriptedServer, stream } from '../support/scripted_server.ts';

/** Channels and locks that are not let go of. */
const channels = new Set<BroadcastChannel>();
const locks = new Set<string>();
const { BroadcastChannel: Channel, navigator } = globalThis;

class CountedChannel extends Channel {
  constructor(name: string) {
    super(name);
    channels.add(this);
  }

  override close(): void {
    super.close();
    channels.delete(this);
  }
}

/** Gives every lock at once; it is held until its holder's promise ends. */
async function request(name: string, _: object, hold: () => Promise<void>): Promise<void> {
  locks.add(name);
  await hold();
  locks.delete(name);
}

beforeEach(() => {
  Object.assign(globalThis, { BroadcastChannel: CountedChannel });
  const value = { locks: { request } };
  Object.defineProperty(globalThis, 'navigator', { value, configurable: true, writable: true });
});
afterEach(() => {
  jest.restoreAllMocks();
  Object.assign(globalThis, { BroadcastChannel: Channel });
  const value = navigator;
  Object.defineProperty(globalThis, 'navigator', { value, configurable: true, writable: true });
  for (const channel of channels) channel.close();
});

describe('shared()', () => {
  test('shared() tells what the stream of the leader says of its gateway, once', async () => {
    let leaders!: ServerResponse;
    await using server = await ScriptedServer.start(
      stream('data:1\nid:1\n\n'),
      (response, request) => {
        stream('id:1\n\nevent:stale\ndata:{"since":5}\n\n')(response, request);
        leaders = response;
      },
    );
    const connection = shared(server.url);
    const told: unknown[] = [];
    for (const type of ['message', 'stale', 'fresh']) {
      connection.addEventListener(type, (event) => {
        const { data, lastEventId } = event as MessageEvent;
        told.push([type, data, lastEventId]);
      });
    }
    await eventually('stale', async () => told.length === 2);
    leaders.write('event:fresh\ndata:{}\n\ndata:2\nid:2\n\n');
    await eventually('the second record', async () => told.length === 4);
    expect(told).toEqual([
      ['message', '1', '1'],
      ['stale', '{"since":5}', '1'],
      ['fresh', '{}', '1'],
      ['message', '2', '2'],
    ]);
    leaders.end();
    await eventually('its end', async () => connection.status === 'retrying');
    connection.close();
  });

  test('shared() goes on by itself where the leader is frozen, and says how things are', async () => {
    await using server = await ScriptedServer.start(
      stream('data:1\nid:1\n\n'),
      stream('data:3\nid:3\n\n'),
    );
    const url = server.url;
    // Another tab leads: the lock is not given to this one.
    Object.assign(globalThis.navigator.locks, { request: () => new Promise(() => {}) });
    const connection = shared(url);
    const statuses: string[] = [];
    connection.onstatuschange = () => statuses.push(connection.status);
    const told: string[] = [];
    connection.onmessage = ({ data }) => told.push(data);
    const toTell = (count: number) =>
      eventually(`${count} records`, async () => told.length === count);
    await toTell(1);
    const leader = new BroadcastChannel(streamKey({ url, withCredentials: false }));
    const say = (line: object) =>
      leader.postMessage({ leader: 'x', readyState: 1, status: 'stale', stale: null, ...line });
    say({ type: 'place', id: '1' });
    say({ type: 'message', data: '2', id: '2', origin: '' });
    await toTell(2);
    expect(connection.status).toBe('stale');
    connection.wake();
    const { now } = Date;
    jest.spyOn(Date, 'now').mockImplementation(() => now() + 6000);
    await toTell(3);
    expect(server.asked.map(({ lastEventId }) => lastEventId)).toEqual([undefined, '2']);
    connection.close();
    expect(statuses).toEqual(['live', 'stale', 'connecting', 'live', 'closed']);
    leader.close();
  });

  test('shared() goes on by its own token where the leader is refused', async () => {
    let leaders!: ServerResponse;
    const own = ['data:1\nid:1\n\n', 'data:3\nid:3\n\n'];
    await using server = await ScriptedServer.start((response, request) => {
      const isLeader = request.url!.includes('since=latest');
      stream(isLeader ? 'id:1\n\nevent:stale\ndata:{}\n\n' : own.shift()!)(response, request);
      if (isLeader) leaders = response;
    });
    const connection = shared(server.url, { token: async () => 'mine' });
    const told: string[] = [];
    connection.onmessage = ({ data }) => told.push(data);
    let isFollowing = false;
    connection.onstale = () => {
      isFollowing = true;
    };
    const toTell = (count: number) =>
      eventually(`${count} records`, async () => told.length === count);
    await eventually('to follow', async () => isFollowing);
    leaders.write('data:2\nid:2\n\n');
    await toTell(2);
    leaders.write('event:unauthorized\ndata:{"reason":"invalid"}\n\n');
    await toTell(3);
    expect(told).toEqual(['1', '2', '3']);
    expect(server.asked.map(({ authorization }) => authorization)).toEqual(
      Array(3).fill('Bearer mine'),
    );
    expect(server.asked.at(-1)!.lastEventId).toBe('2');
    connection.close();
  });

  test('shared() lets go of its channel and its lock once an iteration of it ends', async () => {
    await using server = await ScriptedServer.start(stream('data:1\nid:1\n\n', 'data:2\nid:2\n\n'));
    const connection = shared(server.url);
    const got: string[] = [];
    for await (const { data } of connection) {
      got.push(data);
      if (got.length === 2) break;
    }
    expect(got).toEqual(['1', '2']);
    expect(connection.readyState).toBe(2);
    const isLeft = async (): Promise<true | null> =>
      channels.size + locks.size === 0 ? true : null;
    await eventually('channels and locks to be let go of', isLeft);
  });
});
