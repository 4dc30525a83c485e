import { createHash } from 'node:crypto';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { getMimeType } from 'hono/utils/mime';
import type { StaticFile, StaticFiles } from '../../app/http/static_files.ts';
import { npmPackage } from './client_package.ts';

/** What other pages import: it is served beside the page, by URLs that they know. */
const CLIENT = '/client/';
const CLIENT_PACKAGE = '/-/client.tgz';

/**
 * Reads every file below a directory once, for `staticFileResponse()`, with the modules of `client/`
 * at the root, too, and all of it as an npm package. Hidden files are left out.
 * A symlink to a file is followed only where it stays inside (a mounted ConfigMap is made of such),
 * one to a directory never.
 * @throws when the directory or a file in it cannot be read.
 */
export async function readStaticFiles(directory: string): Promise<StaticFiles> {
  const root = await realpath(directory);
  const files = new Map<string, StaticFile>();
  await readDirectory('');
  const index = files.get('/index.html');
  if (index !== undefined) files.set('/', index);
  const client = [...files].filter(([path]) => path.startsWith(CLIENT));
  for (const [path, file] of client) {
    const atRoot = path.slice(CLIENT.length - 1);
    // Whoever serves files of his own may have one of that name.
    if (/\.(js|d\.ts)$/.test(path) && !files.has(atRoot)) files.set(atRoot, file);
  }
  const packed = npmPackage(
    client.map(([path, { bytes }]) => [path.slice(CLIENT.length), bytes] as const),
  );
  if (client.length > 0) files.set(CLIENT_PACKAGE, staticFile(packed, 'application/gzip'));
  return files;

  async function readDirectory(path: string): Promise<void> {
    for (const entry of await readdir(join(root, path), { withFileTypes: true })) {
      if (entry.name.startsWith('.')) continue;
      const name = `${path}/${entry.name}`;
      if (entry.isDirectory()) await readDirectory(name);
      else if (await isFileInside(join(root, name))) files.set(name, await readStaticFile(name));
    }
  }

  async function isFileInside(path: string): Promise<boolean> {
    const real = await realpath(path).catch(() => null);
    return real?.startsWith(root + sep) === true && (await stat(real)).isFile();
  }

  async function readStaticFile(name: string): Promise<StaticFile> {
    const bytes = new Uint8Array(await readFile(join(root, name)));
    // By its end a file of types would be a video.
    const isTypes = name.endsWith('.ts');
    const type = isTypes ? 'text/plain; charset=utf-8' : getMimeType(name);
    return staticFile(bytes, type ?? 'application/octet-stream');
  }
}

function staticFile(bytes: Uint8Array<ArrayBuffer>, type: string): StaticFile {
  const hash = createHash('sha256').update(bytes).digest('base64url');
  return Object.freeze({ type, etag: `"${hash}"`, bytes });
}
