import { describe, expect, test } from '@jest/globals';
import { faultIn, reasonOf, wordsOf } from '../../public/page/refusal.js';
import { subjectOf } from '../../public/page/sign_in.js';

const token = (payload: object): string =>
  `e30.${Buffer.from(JSON.stringify(payload)).toString('base64url')}.c2ln`;

describe('reasonOf()', () => {
  test('has words for each reason, and for what no gateway of ours says', () => {
    const said = ['missing', 'expired', 'invalid', 'forbidden', 'unavailable', 'constructor', ''];
    const words = said.map((reason) => reasonOf(JSON.stringify({ reason }), false));
    expect(words).toEqual([
      'you are not signed in',
      'your sign-in is over',
      'your sign-in does not count here',
      'you have no right to this',
      'who you are cannot be told right now',
      'the server did not let you in',
      'the server did not let you in',
    ]);
    expect(reasonOf('<b>', false)).toBe('the server did not let you in');
  });

  test('knows that a cookie that is over is not sent any more', () => {
    expect(reasonOf('{"reason":"missing"}', true)).toBe('your sign-in is over');
    expect(reasonOf('{"reason":"forbidden"}', true)).toBe('you have no right to this');
  });
});

describe('wordsOf()', () => {
  test('takes the one line that says why, and no page', () => {
    expect(wordsOf('Sign in first\n', 401)).toBe('Sign in first');
    for (const text of ['', '<h1>no</h1>', 'a\nb', 'x'.repeat(400)]) {
      expect(wordsOf(text, 502)).toBe('The gateway said 502');
    }
  });
});

describe('faultIn()', () => {
  test('knows which setting an answer is about, and where in it', () => {
    const found = [
      'where, at character 14: Unexpected token',
      'where takes at most 2048 bytes',
      'every takes whole milliseconds, 100 to 60000',
      'since takes "latest"',
      'format takes json, text',
      'whereas',
    ].map(faultIn);
    expect(found).toEqual([
      { name: 'where', at: 13 },
      { name: 'where', at: null },
      { name: 'every', at: null },
      { name: 'since', at: null },
      null,
      null,
    ]);
  });
});

describe('subjectOf()', () => {
  test('tells users apart by what their tokens say, and none where it says nothing', () => {
    const alice = subjectOf(token({ iss: 'a', sub: 'alice', exp: 1 }));
    expect(subjectOf(token({ iss: 'a', sub: 'alice', exp: 2 }))).toBe(alice);
    expect(subjectOf(token({ iss: 'b', sub: 'alice' }))).not.toBe(alice);
    expect(subjectOf(token({ iss: 'a', sub: 'bob' }))).not.toBe(alice);
    for (const text of ['', 'x', 'a.b.c', token({ iss: 'a' })]) expect(subjectOf(text)).toBe('');
  });
});
