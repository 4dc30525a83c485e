import { readFile, stat } from 'node:fs/promises';
import type { Files } from '../../app/ports/files.ts';

/** Files of this machine. */
export const LOCAL_FILES: Files = {
  async read(file, maxBytes) {
    const found = await stat(file);
    if (!found.isFile()) throw new Error(`${file} is no file`);
    if (found.size > maxBytes) throw new Error(`${file} has more than ${maxBytes} bytes`);
    return readFile(file);
  },
};
