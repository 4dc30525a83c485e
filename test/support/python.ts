import { fileURLToPath } from 'node:url';

/** The Python that has the packages of `test/python/requirements.txt`; made by `prepare.mjs --test`. */
export const PYTHON = fileURLToPath(new URL('../../.cache/python/bin/python', import.meta.url));
