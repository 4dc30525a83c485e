import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { CLONE } from '../../runtime/embedded_kafka/clone.ts';
import { readStaticFiles } from '../../runtime/server/files.ts';
import { curl } from '../support/curl.ts';
import { newName } from '../support/new_name.ts';
import { onEachRuntime } from '../support/runtime.ts';
import { shared } from '../support/shared.ts';
import { Gateway, kafka } from './face.ts';

const FILES = [
  ['/', 'index.html', /^text\/html; charset=utf-8$/i],
  ['/index.html', 'index.html', /^text\/html; charset=utf-8$/i],
  ['/page.js', 'page.js', /^(text|application)\/javascript\b/],
  ['/client.js', 'client/client.js', /^text\/javascript\b/],
  ['/client.d.ts', 'client/client.d.ts', /^text\/plain\b/],
  ['/client/package.json', 'client/package.json', /^application\/json\b/],
  ['/shared.js', 'client/shared.js', /^text\/javascript\b/],
  ['/shared_worker.js', 'client/shared_worker.js', /^text\/javascript\b/],
  ['/style.css', 'style.css', /^text\/css\b/],
  ['/favicon.svg', 'favicon.svg', /^image\/svg\+xml\b/],
] as const;

/** Ways out of the folder, as paths on the wire. */
const TRICKS = [
  '/../package.json',
  '/../../../../../../etc/passwd',
  '/..%2fpackage.json',
  '/..%2Fpackage.json',
  '/%2e%2e/package.json',
  '/%2e%2e%2fpackage.json',
  '/.%2e/package.json',
  '/..\\package.json',
  '/..%5cpackage.json',
  '/%2e%2e%5cpackage.json',
  '/%252e%252e/package.json',
  '/%252e%252e%252fpackage.json',
  '/..%252fpackage.json',
  '/%c0%ae%c0%ae/package.json',
  '/%c0%ae%c0%ae%c0%afpackage.json',
  '/..%00/package.json',
  '/../package.json%00.html',
  '/....//package.json',
  '/./../package.json',
  '/index.html/../../package.json',
  '/page.js/..%2f..%2fpackage.json',
  '//package.json',
  '//etc/passwd',
  '/etc/passwd',
  '/file:///etc/passwd',
  '/package.json',
  '/public/../package.json',
  '/.git/config',
  '/.env',
  '/dist/app/config/config.js',
];

/** Names that only look like a file's. */
const WRONG_NAMES = [
  '/index.html%00',
  '/index.html%00.png',
  '/index.html/',
  '/index.html%2f',
  '/INDEX.HTML',
  '/index',
  '/index.html%20',
  '/index.html.',
  '/%69ndex%2ehtml%2500',
  '/%',
  '/%zz',
  '/%ff',
  '/nothing.txt',
];

onEachRuntime((runtime) => {
  describe('static files', () => {
    const gateway = shared(() => Gateway.start(runtime, { topics: [newName()] }));

    test.each(FILES)('%s has the bytes, the type and a tag', async (path, file, type) => {
      const bytes = await readFile(join(CLONE, 'public', file));
      const answer = await curl(gateway().http + path);
      expect(answer.status).toBe(200);
      expect(answer.body.equals(bytes)).toBe(true);
      expect(answer.headers.get('content-type')).toMatch(type);
      expect(answer.headers.get('content-length')).toBe(String(bytes.length));
      expect(answer.headers.get('etag')).toMatch(/^"[^"]+"$/);
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff');

      const head = await curl('-I', gateway().http + path);
      expect(head.status).toBe(200);
      expect(head.body).toHaveLength(0);
      for (const name of ['content-type', 'content-length', 'etag']) {
        expect([name, head.headers.get(name)]).toEqual([name, answer.headers.get(name)]);
      }
    });

    test.each(FILES.map(([path]) => path))('%s is 304 for who has it', async (path) => {
      const { headers } = await curl(gateway().http + path);
      const etag = headers.get('etag')!;
      for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
        const answer = await curl('-H', `If-None-Match: ${known}`, gateway().http + path);
        expect([known, answer.status, answer.body.length]).toEqual([known, 304, 0]);
        expect(answer.headers.get('etag')).toBe(etag);
      }
      const other = await curl('-H', 'If-None-Match: "other"', gateway().http + path);
      expect(other.status).toBe(200);
    });

    test('/-/client.tgz is the client as an npm package, the same from every gateway', async () => {
      const files = await readStaticFiles(join(CLONE, 'public'));
      const { bytes, etag } = files.get('/-/client.tgz')!;
      const answer = await curl(`${gateway().http}/-/client.tgz`);
      expect(answer.body.equals(bytes)).toBe(true);
      expect(answer.headers.get('etag')).toBe(etag);
      expect(answer.headers.get('content-type')).toBe('application/gzip');
      const known = await curl('-H', `If-None-Match: ${etag}`, `${gateway().http}/-/client.tgz`);
      expect(known.status).toBe(304);
    });

    test('the page may load nothing from elsewhere', async () => {
      const { headers } = await curl(`${gateway().http}/index.html`);
      const policy = headers.get('content-security-policy') ?? '';
      expect(policy).toContain("default-src 'self'");
      expect(policy).not.toContain('unsafe');
    });

    test('a file takes no POST', async () => {
      const answer = await curl('-d', 'x', `${gateway().http}/index.html`);
      expect(answer.status).toBe(405);
      expect(answer.headers.get('allow')).toContain('GET');
    });

    test.each(TRICKS)('%s leads nowhere', async (path) => {
      for (const origin of [gateway().http, gateway().https]) {
        const { status, body } = await curl('--path-as-is', origin + path);
        expect([400, 404]).toContain(status);
        expect(body.toString()).not.toMatch(/"scripts"|root:|\[core\]|export const/);
      }
    });

    test.each(WRONG_NAMES)('%s is not a file', async (path) => {
      const { status } = await curl('--path-as-is', gateway().http + path);
      expect([400, 404]).toContain(status);
    });

    test('a target that names another host leads nowhere, either', async () => {
      for (const target of [
        'http://other.example/../package.json',
        'file:///etc/passwd',
        '*',
        'x',
      ]) {
        const { status } = await curl('--request-target', target, gateway().http);
        expect([target, [400, 404].includes(status) || status]).toEqual([target, true]);
      }
    });
  });

  describe('a topic with the name of a file', () => {
    test('wins over the file', async () => {
      await kafka.deleteTopic('style.css');
      const topic = await kafka.createTopic({ name: 'style.css' });
      await topic.produce({ value: 'a record' });
      await using gateway = await Gateway.startReady(runtime, { topics: [topic.name] });
      await using stream = await gateway.stream('/style.css');
      expect((await stream.untilEvents(1))[0]!.data).toBe('a record');
      expect((await curl(`${gateway.http}/page.js`)).status).toBe(200);
    });
  });
});
