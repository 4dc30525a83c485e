import { createHash } from 'node:crypto';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { getMimeType } from 'hono/utils/mime';
import type { StaticFile, StaticFiles } from '../../app/http/static_files.ts';

/** What other pages import: it is served beside the page, by URLs that they know. */
const CLIENT = '/client/';

/**
 * Reads every file below a directory once, for `staticFileResponse()`, with what is in `client/` at the root, too. Hidden files are left out.
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
  for (const [name, file] of [...files]) {
    const atRoot = name.slice(CLIENT.length - 1);
    // Whoever serves files of his own may have one of that name.
    if (name.startsWith(CLIENT) && !files.has(atRoot)) files.set(atRoot, file);
  }
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
    const hash = createHash('sha256').update(bytes).digest('base64url');
    // By its end a file of types would be a video.
    const isTypes = name.endsWith('.ts');
    const type = isTypes ? 'text/plain; charset=utf-8' : getMimeType(name);
    return Object.freeze({ type: type ?? 'application/octet-stream', etag: `"${hash}"`, bytes });
  }
}
