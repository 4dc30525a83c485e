import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { CLONE } from '../../runtime/embedded_kafka/clone.ts';

/** What a gateway is installed, built and started from. */
const SOURCES = [
  'app',
  'runtime',
  'install',
  'sse_cat',
  'public',
  'package.json',
  'package-lock.json',
  'deno.json',
  'tsconfig.base.json',
  'tsconfig.build.json',
];

/** Makes a folder a clone of this one, with nothing installed and nothing built. */
export async function copySources(folder: string): Promise<void> {
  for (const name of SOURCES) await cp(join(CLONE, name), join(folder, name), { recursive: true });
}
