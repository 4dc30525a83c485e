import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { answers, output, Sink, start, status, stream } from '../test/support/sse_cat_run.ts';

describe('run() prints', () => {
  test('the data of message events, a newline after each', async () => {
    const { url } = await answers(
      stream(
        'data:a\nid:1\n\nevent:delete\ndata:Sw==\n\ndata:\n\nevent:message\ndata:é\ndata:  🚀\n\n',
      ),
    );
    expect(await output(url)).toEqual({ code: 0, stdout: 'a\n\né\n 🚀\n', stderr: '' });
  });

  test('a character that the network has cut', async () => {
    const { url } = await answers((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
      const bytes = Buffer.from('data:🚀\n\n');
      response.write(bytes.subarray(0, 7));
      setTimeout(() => response.end(bytes.subarray(7)), 50);
    });
    expect((await output(url)).stdout).toBe('🚀\n');
  });

  test('events of the names asked for instead', async () => {
    const { url } = await answers(stream('data:a\n\nevent:x\ndata:b\n\nevent:y\ndata:c\n\n'));
    expect((await output('--event', 'x', '--event=y', url)).stdout).toBe('b\nc\n');
  });

  test('a gap as one line on stderr, without control characters', async () => {
    const { url } = await answers(
      stream(
        'event:gap\ndata:{"reason":"retention",\ndata:"topic":"\u001b[2J"}\nid:5\n\ndata:a\n\n',
      ),
    );
    expect(await output(url)).toEqual({
      code: 0,
      stdout: 'a\n',
      stderr: 'sse-cat: gap {"reason":"retention", "topic":" [2J"}\n',
    });
  });

  test('several streams at once', async () => {
    const one = await answers(stream('data:1\n\n'));
    const two = await answers(status(404));
    const three = await answers(stream('data:3\n\n'));
    const { code, stdout, stderr } = await output(one.url, two.url, three.url);
    expect(stdout.split('\n').sort()).toEqual(['', '1', '3']);
    expect(stderr).toContain(`${two.url}: 404`);
    expect(code).toBe(1);
  });

  test('each event at once, while the stream stays open', async () => {
    const { url } = await answers((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data:now\n\n');
    });
    const { stdout, stop, ended, stderr } = start([url]);
    await stdout.waitFor('now\n');
    stop.abort();
    expect(await ended).toBe(0);
    expect(stderr.text).toBe('');
  });
});

describe('run() with --json prints', () => {
  const record =
    '{"partition":0,"offset":5,"key":"1","value":"a\\n\\u2028🚀","headers":[["e",null]]}';

  test('topic, id and event before the members of the data, a line each', async () => {
    const gap = '{"reason":"retention","topic":"events","partitions":[]}';
    const { url, requests } = await answers(
      stream(
        `data:${record}\nid:1\n\nevent:delete\ndata:{"key":"k","value":null}\nid:2\n\nevent:gap\ndata:${gap}\nid:3\n\nevent:live\ndata:{}\n\n`,
      ),
    );
    const { code, stdout, stderr } = await output('--json', url);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.split('\n')).toEqual([
      `{"topic":"events","id":"1","event":"message",${JSON.stringify(JSON.parse(record)).slice(1)}`,
      '{"topic":"events","id":"2","event":"delete","key":"k","value":null}',
      '{"topic":"events","id":"3","event":"gap","reason":"retention","partitions":[]}',
      '{"topic":"events","id":"3","event":"live"}',
      '',
    ]);
    expect(requests[0]!.url).toBe('/events?format=json');
  });

  test('the events asked for alone, and tells of a gap on stderr then', async () => {
    const { url } = await answers(stream('event:gap\ndata:{}\n\nevent:live\ndata:{}\n\n'));
    expect(await output('--json', '--event', 'live', url)).toEqual({
      code: 0,
      stdout: '{"topic":"events","id":"","event":"live"}\n',
      stderr: 'sse-cat: gap {}\n',
    });
  });

  test.each(['a\ndata:b', '[1]', '7', 'null', '{'])(
    'what is no JSON object as data: %j',
    async (data) => {
      const { url } = await answers(stream(`data:${data}\n\n`));
      const { stdout } = await output('--json', url);
      expect(JSON.parse(stdout).data).toBe(data.replace('\ndata:', '\n'));
    },
  );

  test('the topic of each record of a stream of several', async () => {
    const record = '{"topic":"b","partition":0,"offset":5,"key":"1","value":"a"}';
    const body = `data:${record}\nid:1\n\nevent:live\ndata:{}\nid:1\n\n`;
    const [one, two] = [await answers(stream(body)), await answers(stream(body))];
    expect((await output('--json', one.url.replace('events', 'a,b'))).stdout).toBe(
      '{"topic":"b","id":"1","event":"message","partition":0,"offset":5,"key":"1","value":"a"}\n' +
        '{"topic":"a,b","id":"1","event":"live"}\n',
    );
    const line = String.raw`%t %s\n`;
    expect((await output('-f', line, two.url.replace('events', 'a,b'))).stdout).toBe('b a\n');
    expect(one.requests[0]!.url).toBe('/a,b?format=json');
  });

  test('the topic as the last part of the path has it', async () => {
    const { url } = await answers(stream('data:{}\n\n'));
    const { stdout } = await output('--json', `${url.replace('events', 'a/b%20c')}`);
    expect(JSON.parse(stdout).topic).toBe('b c');
  });
});

describe('run() with --format prints', () => {
  test('what it asks for of each record, and nothing else', async () => {
    const record =
      '{"partition":2,"offset":5,"timestamp":9,"key":"é","value":"v","headers":[["a","1"],["b",null],["c",null,"/w=="]]}';
    const { url, requests } = await answers(
      stream(
        `data:${record}\n\ndata:{"offset":6,"key":null,"value":{"x":1}}\n\nevent:live\ndata:{}\n\n`,
      ),
    );
    const format = String.raw`%t/%p/%o %T %k(%K)=%s(%S) %h 100%%\x21\\\n`;
    expect(await output('-f', format, url)).toEqual({
      code: 0,
      stdout:
        'events/2/5 9 é(2)=v(1) a=1,b=NULL,c=/w== 100%!\\\nevents//6  (0)={"x":1}(7)  100%!\\\n',
      stderr: '',
    });
    expect(requests[0]!.url).toBe('/events?format=json');
  });

  test('another server as its text', async () => {
    const { url } = await answers(stream('data:a b\n\n'));
    expect((await output('-f', '%s;', url)).stdout).toBe('a b;');
  });
});

describe('run() on a terminal', () => {
  test('says that it is connected, in trouble and back', async () => {
    const { url } = await answers(stream('data:a\n\n'), status(503), stream('data:b\n\n'));
    const { stderr, ended } = start([url], { isTTY: true });
    expect(await ended).toBe(0);
    const told = stderr.text.split('\n').map((line) => line.replace(/ in [\d.]+ s$/, ''));
    expect(told).toEqual([
      `sse-cat: ${url}: connected`,
      `sse-cat: ${url}: the connection was cut; trying again`,
      `sse-cat: ${url}: 503 Service Unavailable; trying again`,
      `sse-cat: ${url}: back`,
      `sse-cat: ${url}: the connection was cut; trying again`,
      '',
    ]);
  });

  test('shows JSON in colours, and none where they are not wanted', async () => {
    const block = 'data:{"key":"a\\u001b","value":null,"offset":1}\n\n';
    const show = async (env: NodeJS.ProcessEnv): Promise<string> => {
      const { url } = await answers(stream(block));
      const { stdout, ended } = start(['--json', url], { stdout: new Sink(true), env });
      await ended;
      return stdout.text;
    };
    const plain = '"event":"message","key":"a\\u001b","value":null,"offset":1}\n';
    expect(await show({ NO_COLOR: '1' })).toContain(plain);
    const colored = await show({});
    expect(colored).toContain(
      '\x1b[34;1m"key"\x1b[0m:\x1b[32m"a\\u001b"\x1b[0m,\x1b[34;1m"value"\x1b[0m:\x1b[90mnull\x1b[0m',
    );
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about
    expect(colored.replace(/\x1b\[[\d;]*m/g, '')).toContain(plain);
  });
});

test('run() prints whole lines of several streams, however they are cut', async () => {
  const letters = ['a', 'b', 'c'];
  const servers = await Promise.all(
    letters.map((letter) =>
      answers(async (response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write('retry:100\n\n');
        const text = `data:${letter.repeat(1000)}\n\n`.repeat(300);
        for (let at = 0; at < text.length; at += 777) {
          response.write(text.slice(at, at + 777));
          if (at % 20 === 0) await delay(1);
        }
        response.end();
      }),
    ),
  );
  const { stdout } = await output(...servers.map(({ url }) => url));
  const lines = stdout.trimEnd().split('\n');
  expect(lines).toHaveLength(900);
  expect([...new Set(lines)].sort()).toEqual(letters.map((letter) => letter.repeat(1000)));
});
