import { describe, expect, it } from '@jest/globals';
import { parseOptions } from './options.mjs';

const URL = 'http://127.0.0.1:{port}/sse';

describe('parseOptions()', () => {
  it('takes three rounds, one where it has to be quick', () => {
    expect(parseOptions([]).rounds).toBe(3);
    expect(parseOptions(['--quick']).rounds).toBe(1);
    expect(parseOptions(['--quick', '--rounds', '5']).rounds).toBe(5);
  });

  it('gives what stands behind a peer to that one', () => {
    const { peers } = parseOptions([
      ...['--peer', '/opt/floor {port}', '--url', URL, '--feed', 'GET http://x/{rate}'],
      ...['--peer', 'other', '--url', URL, '--name', 'the other', '--history'],
    ]);
    expect(peers).toEqual([
      {
        name: 'floor',
        command: '/opt/floor {port}',
        url: URL,
        feed: 'GET http://x/{rate}',
        history: false,
      },
      { name: 'the other', command: 'other', url: URL, feed: null, history: true },
    ]);
  });

  it('takes other clones', () => {
    expect(parseOptions(['--curve', '--beside', '/a', '--beside', '/b'])).toMatchObject({
      curve: true,
      beside: ['/a', '/b'],
    });
  });

  it.each([
    ['--rounds takes a number', ['--rounds', 'x']],
    ['--url belongs behind a --peer', ['--url', URL]],
    ['needs --url', ['--peer', 'floor']],
    ['usage: npm run bench', ['--nonsense']],
  ])('says "%s"', (said, args) => {
    expect(() => parseOptions(args)).toThrow(said);
  });
});
