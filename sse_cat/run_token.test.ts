import { mkdtempSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from '@jest/globals';
import { answers, output, start, status, stream } from '../test/support/sse_cat_run.ts';

const folder = mkdtempSync(join(tmpdir(), 'sse-cat-token-'));
const file = join(folder, 'token');
beforeEach(() => writeFileSync(file, 'one\n'));
afterAll(() => rmSync(folder, { recursive: true }));

const refusal = (reason: string) =>
  stream(`event:unauthorized\ndata:${JSON.stringify({ reason })}\n\n`);

describe('run() --token-file', () => {
  test('sends what the file has at each connect, with the last id, and prints no end of a token', async () => {
    const { url, requests } = await answers((response) => {
      writeFileSync(file, 'two');
      stream('data:1\nid:1\n\nevent:expired\ndata:{}\nid:2\n\n')(response);
    }, stream('data:3\nid:3\n\n'));
    const result = await output('--json', '--token-file', file, url);
    expect(result.stdout.match(/"event":"\w+"/g)).toEqual(Array(2).fill('"event":"message"'));
    expect(result.stderr).toBe('');
    expect(
      requests.map(({ headers }) => [headers.authorization, headers['last-event-id']]),
    ).toEqual([
      ['Bearer one', undefined],
      ['Bearer two', '2'],
      ['Bearer two', '3'],
    ]);
  });

  test('tells each refusal on stderr, prints none and comes back', async () => {
    const reasons = ['expired', 'invalid', 'unavailable', 'invalid', 'forbidden'];
    const { url } = await answers(...reasons.map(refusal), stream('data:a\n\n'));
    const { code, stdout, stderr } = await output(
      '--token-file',
      file,
      '--json',
      '--max',
      '1',
      url,
    );
    expect([code, stdout.split('\n').length, stdout]).toEqual([
      0,
      2,
      expect.stringContaining('"event":"message"'),
    ]);
    expect(stderr).toBe(
      reasons
        .map((reason) => `sse-cat: ${url}?format=json: unauthorized {"reason":"${reason}"}\n`)
        .join(''),
    );
  });

  test('counts no refusals as running between which a stream was open', async () => {
    const { url } = await answers(
      refusal('invalid'),
      stream('data:a\n\n'),
      refusal('invalid'),
      stream('data:b\n\n'),
    );
    expect(await output('--token-file', file, url)).toMatchObject({ code: 0, stdout: 'a\nb\n' });
  });

  test.each([
    ['missing', 1, 'it wants a token: give a valid --token-file'],
    ['invalid', 2, 'the token does not count, twice running: give a valid --token-file'],
  ])('ends with 1 where it is %s', async (reason, times, words) => {
    const { url, requests } = await answers(...Array(3).fill(refusal(reason)));
    const { code, stderr } = await output(url);
    expect([code, requests.length]).toEqual([1, times]);
    expect(stderr.split('\n')).toHaveLength(times + 2);
    expect(stderr).toContain(words);
  });

  test('waits for a file that is gone, and says so', async () => {
    const { url, requests } = await answers((response) => {
      unlinkSync(file);
      stream('data:a\n\n')(response);
    });
    const { stderr, stop, ended } = start(['--token-file', file, url]);
    await stderr.waitFor('cannot be read');
    expect(stderr.text).toContain('; trying again in');
    writeFileSync(file, 'two');
    expect(await ended).toBe(0);
    expect(requests.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer one',
      'Bearer two',
    ]);
    stop.abort();
  });

  test('takes the token to no other origin', async () => {
    const other = await answers(stream('data:a\n\n'));
    const { url } = await answers(status(307, { location: other.url }));
    await output('--token-file', file, url);
    expect(other.requests[0]!.headers).not.toHaveProperty('authorization');
  });
});
