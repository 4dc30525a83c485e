import { expect, test } from '@jest/globals';
import { severalIn, streamName, topicsIn } from '../../public/page/stream_name.js';
import type { Topic } from '../../public/page/topics.js';

const ROOT = 'https://gateway.example/streams';
const topic = (name: string, path = `/${name}`): Topic => ({
  name,
  path,
  compacted: true,
  deleteRetentionMs: 1000,
});

test('streamName() is the path at the own gateway, or the names of several topics', () => {
  const names: [string, string][] = [
    [`${ROOT}/orders?key=1`, 'orders'],
    ['/my/orders', 'my/orders'],
    [`${ROOT}/a,b`, 'a, b'],
    ['/a,b,c,d,e', 'a, b, c and 2 more'],
    ['https://other.example/a,b', 'other.example/a,b'],
    ['http://', 'http://'],
  ];
  for (const [location, name] of names) expect(streamName(location, ROOT)).toBe(name);
});

test('severalIn() has the names of several topics at the own gateway, and no others', () => {
  expect(severalIn(`${ROOT}/a,b?format=json`, ROOT)).toEqual(['a', 'b']);
  for (const one of [`${ROOT}/a`, 'https://other.example/a,b', ROOT, '']) {
    expect(severalIn(one, ROOT)).toEqual([]);
  }
});

test('topicsIn() has what is known of all topics of a location, or nothing', () => {
  const [a, b, mine] = [topic('a'), topic('b'), topic('a', '/my/a')];
  const of = (location: string): readonly Topic[] => topicsIn(location, ROOT, [a, b, mine]);
  expect(of('/a?key=1')).toEqual([a]);
  expect(of('/my/a')).toEqual([mine]);
  expect(of(`${ROOT}/b,a`)).toEqual([b, a]);
  for (const unknown of ['/a,c', '/c', 'https://other.example/a']) expect(of(unknown)).toEqual([]);
});
