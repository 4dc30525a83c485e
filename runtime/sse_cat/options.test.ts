import { describe, expect, test } from '@jest/globals';
import { type Options, parseOptions, UsageError } from './options.ts';

describe('parseOptions()', () => {
  test('reads URLs, event names and headers in any order', () => {
    const argv = ['--event=a', 'http://h/1', '--header', 'X: b:c ', '--event', 'b', 'https://h/2'];
    const { urls, events, headers } = parseOptions(argv) as Options;
    expect(urls.map(String)).toEqual(['http://h/1', 'https://h/2']);
    expect([...events]).toEqual(['a', 'b']);
    expect(Object.fromEntries(headers)).toEqual({ accept: 'text/event-stream', x: 'b:c' });
  });

  test('prints messages unless told otherwise', () => {
    expect([...(parseOptions(['http://h/']) as Options).events]).toEqual(['message']);
  });

  test('takes help and version before anything else', () => {
    expect(parseOptions(['-h'])).toBe('help');
    expect(parseOptions(['--version', 'nonsense'])).toBe('version');
  });

  test.each([
    [[], 'no URL given'],
    [['--nope', 'http://localhost'], "Unknown option '--nope'"],
    [['--header'], '--header'],
    [['--header', 'no colon', 'http://localhost'], "--header takes 'Name: value'"],
    [['--header', 'a b: secret', 'http://localhost'], "--header takes 'Name: value'"],
    [['localhost:8080/events'], 'expected one like http://localhost:8080/events'],
    [['/events'], 'is no http(s) URL'],
    [['http://'], 'is no http(s) URL'],
    [['http://u:secret@localhost/'], "--header 'Authorization: …'"],
  ])('refuses %j in one line that tells no secret', (argv, words) => {
    let message = '';
    try {
      parseOptions(argv);
    } catch (error) {
      if (error instanceof UsageError) message = error.message;
    }
    expect(message).toContain(words);
    expect(message).not.toMatch(/\n|secret/);
  });
});
