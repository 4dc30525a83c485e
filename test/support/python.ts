import { join } from 'node:path';
import { CLONE } from '../../runtime/embedded_kafka/clone.ts';

/** The Python that has the packages of `test/python/requirements.txt`; made by `prepare.mjs --test`. */
export const PYTHON = join(CLONE, '.cache', 'python', 'bin', 'python');
