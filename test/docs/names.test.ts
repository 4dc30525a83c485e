import { describe, expect, test } from '@jest/globals';
import { SETTINGS } from '../../app/config/config.ts';
import { AWS_NAMES } from '../../app/config/kafka_sign_in.ts';
import { asyncapi } from '../../app/describe/asyncapi.ts';
import { EVENT_SCHEMAS } from '../../app/describe/event_schemas.ts';
import { openapi } from '../../app/describe/openapi.ts';
import { asyncapiWithSignIn, openapiWithSignIn } from '../../app/describe/sign_in.ts';
import { FORMATS } from '../../app/views/format.ts';
import { parseCursor } from '../../app/wire/cursor.ts';
import { PAGES, Page } from './pages.ts';

const names = Object.values(SETTINGS).map(({ name }) => name);
const docs = PAGES.filter(({ path }) => path.startsWith('docs/'));

/** First cells of the rows of a page's tables, each name in backticks by itself. */
function rowNames(path: string, pattern: RegExp): string[] {
  const rows = [...new Page(path).text.matchAll(/^\| (`[^|]*) \|/gm)].map(([, cell]) => cell!);
  return rows.flatMap((cell) => [...cell.matchAll(pattern)].map(([, name]) => name!));
}

describe('settings', () => {
  test('docs/settings.md has a row for every setting, in order, with its default', () => {
    const text = new Page('docs/settings.md').text;
    const rows = [...text.matchAll(/^\| (`[A-Z_`, ]+) \| (.*?) \|/gm)].flatMap(
      ([, cell, given]) => {
        const found = [...cell!.matchAll(/`(\w+)`/g)].map(([, name]) => name!);
        const defaults = [...given!.matchAll(/`([^`]*)`/g)].map(([, value]) => value!);
        return found.map((name, i) => [name, defaults[found.length > 1 ? i : 0] ?? '']);
      },
    );
    expect(rows.map(([name]) => name)).toEqual(names);
    for (const [name, given] of rows) {
      const setting = Object.values(SETTINGS).find((one) => one.name === name)!;
      if (typeof setting.default === 'string')
        expect([name, given]).toEqual([name, setting.default]);
    }
  });

  /** Names of this kind that are no settings. */
  const OTHERS = [
    ...AWS_NAMES,
    ...[
      'DESCRIBE_CONFIGS',
      'TLS_',
      'MALLOC_',
      'MALLOC_ARENA_MAX',
      'MALLOC_MMAP_THRESHOLD_',
      'DENO_V8_FLAGS',
      'OPEN_FILES',
      'UV_THREADPOOL_SIZE',
      // What no setting may begin with.
      'SIGN_IN',
      // Of setup.sh and what it prints.
      'LOAD_IMAGE',
      'KAFKA_POD',
      'AWS_MSK_IAM',
    ],
  ];

  test.each(docs.map((page) => [page.path, page] as const))('%s names no other', (_, page) => {
    const named = [...page.text.matchAll(/(?<![\w-])([A-Z]+_[A-Z_]+)(?=[`=,. ):]|$)/gm)];
    const unknown = named.map(([, name]) => name!).filter((name) => !names.includes(name as never));
    expect(unknown.filter((name) => !OTHERS.includes(name))).toEqual([]);
  });
});

describe('events', () => {
  const withoutSignIn = asyncapi({ topics: ['events'], httpPort: 8080, httpsPort: 9090 });
  const description = asyncapiWithSignIn(withoutSignIn) as {
    readonly components: { readonly messages: Record<string, { readonly name: string }> };
  };
  const events = new Set(Object.values(description.components.messages).map(({ name }) => name));

  test('docs/requests_and_events.md has a row for every event and no other', () => {
    const [, table = ''] = new Page('docs/requests_and_events.md').text.split('## Events');
    const rows = [...table.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name!);
    expect(rows.toSorted()).toEqual([...events].toSorted());
  });

  test('programs in docs/ listen to no event that there is not', () => {
    // Those of an EventSource, and of the client's table.
    const known = new Set([...events, 'error', 'open', 'whole', 'change']);
    for (const { path, blocks } of docs) {
      for (const { text } of blocks) {
        const heard = [...text.matchAll(/addEventListener\('(\w+)'/g)].map(([, name]) => name!);
        expect([path, heard.filter((name) => !known.has(name))]).toEqual([path, []]);
      }
    }
  });

  test('docs/guarantees.md has a row for every reason of a gap and no other', () => {
    const reasons = rowNames('docs/guarantees.md', /`([\w-]+)`/g).filter(
      (name) => name !== 'reason',
    );
    expect(reasons).toEqual(EVENT_SCHEMAS.Gap.properties.reason.enum);
  });
});

describe('requests', () => {
  const description = openapi({ topics: ['events'], adminPort: 9091 });
  const { paths } = openapiWithSignIn(description, true) as {
    readonly paths: Record<
      string,
      { readonly get: { readonly parameters?: readonly { name: string }[] } }
    >;
  };
  const text = new Page('docs/requests_and_events.md').text;

  test('docs/requests_and_events.md names every path and format', () => {
    for (const path of Object.keys(paths)) {
      expect([path, text.includes(path.replace('{topic}', '<topic>'))]).toEqual([path, true]);
    }
    for (const { name } of FORMATS) expect(text).toContain(`format=${name}`);
  });

  test('docs/cursor.md names every place and form of a cursor', () => {
    const cursor = new Page('docs/cursor.md').text;
    for (const { name } of paths['/{topic}']!.get.parameters!) {
      const page = /id/i.test(name) ? cursor : text;
      if (name !== 'topic') expect([name, page.includes(name)]).toEqual([name, true]);
    }
    const topicId = Uint8Array.of(0x8f, 0x27, 0x10, 0x74);
    expect(cursor).toContain('02 8f271074 02 00 02  =  Ao8nEHQCAAI=');
    expect(parseCursor('Ao8nEHQCAAI=')).toEqual({ topicId, offsets: new Map([[0, 1]]) });
    expect(cursor).toContain('`AQIAAg==`');
    expect(parseCursor('AQIAAg==')).toMatchObject({ offsets: new Map([[0, 1]]) });
  });
});
