import { describe, expect, test } from '@jest/globals';
import { type Options, parseOptions, UsageError } from './options.mjs';

describe('parseOptions()', () => {
  test('reads URLs, event names and headers in any order', () => {
    const argv = ['--event=a', 'http://h/1', '--header', 'X: b:c ', '--event', 'b', 'https://h/2'];
    const { urls, events, headers } = parseOptions(argv) as Options;
    expect(urls.map(String)).toEqual(['http://h/1', 'https://h/2']);
    expect(events).toEqual(new Set(['a', 'b']));
    expect(Object.fromEntries(headers)).toEqual({ accept: 'text/event-stream', x: 'b:c' });
  });

  test('prints messages unless told otherwise', () => {
    expect((parseOptions(['http://h/']) as Options).events).toEqual(new Set(['message']));
    expect((parseOptions(['--json', 'http://h/']) as Options).events).toBeNull();
  });

  test('asks for JSON and a time by the query, for an id by the header', () => {
    const argv = ['--json', '--since', '2026-01-31T12:00:00+01:00', 'http://h/a?x=1&format=text'];
    const [url] = (parseOptions(argv) as Options).urls;
    expect(Object.fromEntries(url!.searchParams)).toEqual({
      x: '1',
      format: 'json',
      since: '2026-01-31T12:00:00+01:00',
    });
    const { headers } = parseOptions(['--id', 'é', 'http://h/a']) as Options;
    expect(Buffer.from(headers.get('last-event-id')!, 'latin1').toString()).toBe('é');
  });

  test.each([['--since', '-100'], ['--since=-100']])(
    'takes offsets before the end: %s',
    (...since) => {
      const { urls } = parseOptions([...since, 'http://h/a']) as Options;
      expect(urls.map(String)).toEqual(['http://h/a?since=-100']);
    },
  );

  test.each([
    ['localhost:8080/a', 'http://localhost:8080/a'],
    ['[::1]:8080/a', 'http://[::1]:8080/a'],
    ['10.0.0.1:80/a/b?x=1', 'http://10.0.0.1/a/b?x=1'],
  ])('takes %s for HTTP', (text, expected) => {
    expect((parseOptions([text]) as Options).urls.map(String)).toEqual([expected]);
    const { urls, events } = parseOptions(['--event', 'a', 'b', text]) as Options;
    expect([urls.map(String), events]).toEqual([[expected], new Set(['a', 'b'])]);
  });

  test('takes a time ago from now on, the same one whenever it comes back', () => {
    const since = (text: string) =>
      (parseOptions(['-s', text, 'http://h/'], {}, 100_000_000) as Options).urls[0]!.search;
    expect(['90s', '10m', '1h', '1d', 'latest', '-7'].map(since)).toEqual([
      '?since=99910000',
      '?since=99400000',
      '?since=96400000',
      '?since=13600000',
      '?since=latest',
      '?since=-7',
    ]);
  });

  test('asks for what is filtered, by short options too', () => {
    const argv = ['-juq', '-n', '3', '-k', 'a', '-k', 'b&', '-w', 'value.x > 1', '--header-filter'];
    const { urls, ...given } = parseOptions([...argv, 'region=eu=1', 'http://h/']) as Options;
    expect(urls[0]!.search).toBe(
      '?format=json&until=live&key=a&key=b%26&where=value.x+%3E+1&header.region=eu%3D1',
    );
    expect(given).toMatchObject({ json: true, untilLive: true, quiet: true, max: 3 });
  });

  test('reads numbers and switches', () => {
    const argv = ['--max', '7', '--timeout', '1.5', '--quiet', '--insecure', 'http://h/'];
    const given = parseOptions(argv) as Options;
    expect(given).toMatchObject({ max: 7, timeout: 1500, quiet: true, json: false });
    expect(given.trust).toEqual({ ca: undefined, anyCertificate: true });
    const none = parseOptions(['http://h/']) as Options;
    expect(none).toMatchObject({ max: Infinity, timeout: null, silence: undefined, quiet: false });
    expect(none.trust).toEqual({ ca: undefined, anyCertificate: false });
  });

  test('trusts any certificate where the environment says so', () => {
    const env = { NODE_TLS_REJECT_UNAUTHORIZED: '0' };
    expect((parseOptions(['http://h/'], env) as Options).trust.anyCertificate).toBe(true);
  });

  test.each([
    ['2', ['--header', 'A: 1', '--header', 'B: 2', '--event', 'x', '--event', 'y', 'http://h/']],
    ['3', ['--header', 'A: 1', 'B: 2', '--event', 'x', 'y', '--', 'http://h/']],
    ['3', ['http://h/', '--header', 'A: 1', 'B: 2', '--event', 'x', 'y']],
    ['4', ['--header', 'A: 1', 'B: 2', '--event', 'x', 'y', 'http://h/']],
  ])('reads the lists of sse-cat %s: %j', (_, argv) => {
    const { urls, events, headers } = parseOptions(argv) as Options;
    expect(urls.map(String)).toEqual(['http://h/']);
    expect(events).toEqual(new Set(['x', 'y']));
    expect(Object.fromEntries(headers)).toEqual({ accept: 'text/event-stream', a: '1', b: '2' });
  });

  test('takes the heartbeat of sse-cat 2 and 3 as the silence after which it comes back', () => {
    const argv = ['--heartbeat-event', 'beat', '--heartbeat-timeout', '500', 'http://h/'];
    expect((parseOptions(argv) as Options).silence).toBe(500);
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
    [['events'], 'expected one like http://localhost:8080/events'],
    [['--json', '--format', '%s', 'http://h/'], 'give --json or --format, not both'],
    [['-f', '%q', 'http://h/'], "--format: '%q' is none of %% %t"],
    [['-f', '%', 'http://h/'], "--format: '%' is none of"],
    [['-f', '\\q', 'http://h/'], "--format: '\\q' is none of \\n"],
    [['--header-filter', 'region', 'http://h/'], "--header-filter takes 'name=value'"],
    [['/events'], 'is no http(s) URL'],
    [['http://'], 'is no http(s) URL'],
    [['http://u:secret@localhost/'], "--header 'Authorization: …'"],
    [['--event', '--json', 'http://localhost'], "'--event' argument is ambiguous"],
    [['--event', 'x', '--'], 'no URL given'],
    [['--id', '1', 'http://h/1', 'http://h/2'], '--id belongs to one stream'],
    [['--id', 'a\0', 'http://h/'], '--id takes an id'],
    [['--max', '0', 'http://h/'], '--max takes a number from 1 on'],
    [['--max', '1.5', 'http://h/'], '--max takes'],
    [['--timeout', '0', 'http://h/'], '--timeout takes seconds'],
    [['--timeout', '3e6', 'http://h/'], '--timeout takes seconds'],
    [['--heartbeat-timeout', 'x', 'http://h/'], '--heartbeat-timeout takes milliseconds'],
    [['--token-file', '/nowhere/token', 'http://h/'], '--token-file /nowhere/token cannot be read'],
    [['--token-file', import.meta.filename, 'http://h/'], 'has no token alone'],
    [['--token-file', '/x', '--header', 'Authorization: secret', 'http://h/'], 'not both'],
    [['--cacert', '/nowhere/ca.pem', 'http://h/'], '--cacert /nowhere/ca.pem cannot be read'],
    [['--cacert', import.meta.filename, 'http://h/'], 'is no PEM file'],
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
