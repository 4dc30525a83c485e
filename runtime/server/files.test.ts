import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { staticFileResponse } from '../../app/http/static_files.ts';
import { readStaticFiles } from './files.ts';

let folder: string;
let root: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'static-files-'));
  root = join(folder, 'public');
  await mkdir(join(root, 'sub', '..hidden'), { recursive: true });
  await mkdir(join(root, 'client'));
  await mkdir(join(folder, 'public-other'));
  await writeFile(join(folder, 'secret.txt'), 'secret');
  await writeFile(join(folder, 'public-other', 'secret.txt'), 'secret');
  await writeFile(join(root, 'index.html'), '<!doctype html>');
  await writeFile(join(root, 'client', 'client.js'), ';');
  await writeFile(join(root, 'client', 'index.html'), ';');
  await writeFile(join(root, 'client', 'package.json'), '{}');
  await writeFile(join(root, '.env'), 'secret');
  await writeFile(join(root, 'sub', 'data.bin.unknown'), new Uint8Array([0, 255]));
  await writeFile(join(root, 'sub', 'ü %.txt'), '');
  await writeFile(join(root, 'sub', '..hidden', 'real.css'), 'p {}');
  await symlink('sub/..hidden/real.css', join(root, 'style.css'));
  await symlink('../secret.txt', join(root, 'escape.txt'));
  await symlink('../public-other/secret.txt', join(root, 'escape2.txt'));
  await symlink('/etc', join(root, 'etc'));
  await symlink('..', join(root, 'sub', 'loop'));
  await symlink('nowhere', join(root, 'dangling.txt'));
});

afterAll(() => rm(folder, { recursive: true }));

describe('readStaticFiles()', () => {
  test('reads files below the folder, the modules of client/ at its root, too, and nothing hidden or outside of it', async () => {
    const files = await readStaticFiles(root);
    expect([...files.keys()].sort()).toEqual([
      '/',
      '/-/client.tgz',
      '/client.js',
      '/client/client.js',
      '/client/index.html',
      '/client/package.json',
      '/index.html',
      '/style.css',
      '/sub/data.bin.unknown',
      '/sub/ü %.txt',
    ]);
    expect(files.get('/')).toBe(files.get('/index.html'));
    expect(files.get('/')).not.toBe(files.get('/client/index.html'));
    expect(files.get('/client.js')).toBe(files.get('/client/client.js'));
  });

  test('gives type, bytes and a strong tag of the content', async () => {
    const files = await readStaticFiles(root);
    expect(files.get('/style.css')).toEqual({
      type: 'text/css; charset=utf-8',
      etag: expect.stringMatching(/^"[\w-]{43}"$/),
      bytes: new TextEncoder().encode('p {}'),
    });
    expect(files.get('/sub/data.bin.unknown')!.type).toBe('application/octet-stream');
    expect(files.get('/sub/ü %.txt')!.type).toBe('text/plain; charset=utf-8');
    expect(files.get('/sub/ü %.txt')!.bytes.byteLength).toBe(0);
  });

  test('reads the browser client of this repository, which needs no inline script', async () => {
    const files = await readStaticFiles(join(import.meta.dirname, '../../public'));
    const response = staticFileResponse(files, new Request('http://localhost/'))!;
    const page = await response.text();
    for (const [, path] of page.matchAll(/(?:src|href)="([\w.]+)"/g)) {
      expect(files.has(`/${path}`)).toBe(true);
    }
    expect(page).not.toMatch(/<style|<script(?![^>]* src=)|\son\w+=|\sstyle=/);
  });

  test('rejects where there is no such folder', async () => {
    await expect(readStaticFiles(join(folder, 'nope'))).rejects.toThrow('ENOENT');
  });
});
