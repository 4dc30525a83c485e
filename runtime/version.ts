import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CLONE } from './embedded_kafka/clone.ts';

/** The version of this gateway, as `package.json` has it. */
export function readVersion(): string {
  const { version } = JSON.parse(readFileSync(join(CLONE, 'package.json'), 'utf8'));
  return version;
}
