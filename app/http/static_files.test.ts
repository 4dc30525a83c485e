import { describe, expect, test } from '@jest/globals';
import { type StaticFiles, staticFileResponse } from './static_files.ts';

const encoder = new TextEncoder();
const html = { type: 'text/html; charset=utf-8', etag: '"h,1"', bytes: encoder.encode('<p>') };
const script = { type: 'text/javascript; charset=utf-8', etag: '"s1"', bytes: encoder.encode(';') };
const files: StaticFiles = new Map([
  ['/', html],
  ['/index.html', html],
  ['/page.js', script],
  ['/a b/ü%2e.js', script],
]);

function get(path: string, headers: Record<string, string> = {}, method = 'GET') {
  return staticFileResponse(files, new Request(`http://localhost${path}`, { method, headers }));
}

describe('staticFileResponse()', () => {
  test('serves a file with its type, tag and length', async () => {
    const response = get('/page.js?v=1')!;
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toEqual({
      'cache-control': 'no-cache',
      'content-length': '1',
      'content-type': 'text/javascript; charset=utf-8',
      etag: '"s1"',
      'referrer-policy': 'no-referrer',
    });
    expect(await response.text()).toBe(';');
  });

  test('serves index.html at / with a policy that forbids inline scripts and frames', async () => {
    const response = get('/')!;
    expect(await response.text()).toBe('<p>');
    const policy = response.headers.get('content-security-policy')!;
    expect(policy).toContain("default-src 'self'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain('unsafe');
  });

  test('answers HEAD with the same head and no body', async () => {
    const response = get('/page.js', {}, 'HEAD')!;
    expect(response.body).toBeNull();
    expect([...response.headers]).toEqual([...get('/page.js')!.headers]);
  });

  test.each(['"h,1"', 'W/"h,1"', '*', ' * ', '"x", W/"h,1" , "y"', '"",  "h,1"'])(
    'answers 304 to If-None-Match: %s',
    async (tags) => {
      const response = get('/index.html', { 'if-none-match': tags })!;
      expect(response.status).toBe(304);
      expect(response.body).toBeNull();
      expect(response.headers.get('etag')).toBe('"h,1"');
      expect(response.headers.has('content-length')).toBe(false);
    },
  );

  test.each(['', '"h"', 'h,1', '"h', '"x,"h,1', '"H,1"', '"*"', 'W/'])(
    'answers 200 to If-None-Match: %s',
    (tags) => {
      expect(get('/index.html', { 'if-none-match': tags })!.status).toBe(200);
    },
  );

  test('decodes a path once', () => {
    expect(get('/a%20b/%C3%BC%252e.js')!.status).toBe(200);
    expect(get('/a%20b/%C3%BC%2e.js')).toBeNull();
    expect(get('/page%2Ejs')!.status).toBe(200);
  });

  test.each([
    '/nope',
    '/index.html/',
    '//index.html',
    '/..%2findex.html',
    '/%2e%2e%2f%2e%2e%2fetc/passwd',
    '/..%5cindex.html',
    '/%252e%252e/index.html',
    '/page.js%00',
    '/page.js%00.html',
    '/%',
    '/%zz',
    '/%c0%ae%c0%ae/index.html',
    '/%ff',
    '/PAGE.JS',
    '/constructor',
    '/__proto__',
  ])('answers null for %s', (path) => {
    expect(get(path)).toBeNull();
  });
});
