import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { CLONE } from '../../runtime/embedded_kafka/clone.ts';
import { DENO_ENVIRONMENT } from '../support/runtimes.ts';

test.each(['package.json', 'deno.json', 'Dockerfile', 'docs/on_deno.md'])(
  '%s starts Deno in the environment that the tests have',
  (file) => {
    const text = readFileSync(join(CLONE, file), 'utf8');
    for (const variable of DENO_ENVIRONMENT) expect(text).toContain(variable);
  },
);
