import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { CLONE } from '../../runtime/embedded_kafka/clone.ts';
import { run } from '../support/program.ts';

const FOLDERS = ['.', '.ci', 'helm', 'test/clients', 'test/scripts', 'test/cluster'];

/** Files whose first line names a shell. */
function scripts(): string[] {
  return FOLDERS.flatMap((folder) =>
    readdirSync(join(CLONE, folder)).map((name) => join(folder, name)),
  )
    .filter((file) => statSync(join(CLONE, file)).isFile())
    .filter((file) =>
      /^(#!.*\b|# shellcheck shell=)(ba)?sh\b/.test(readFileSync(join(CLONE, file), 'utf8')),
    );
}

test('shellcheck finds nothing in any script', async () => {
  const files = scripts();
  expect(files).toEqual(expect.arrayContaining(['setup.sh', 'teardown.sh', '.ci/run']));
  const { code, stdout } = await run(['shellcheck', '--external-sources', ...files], {
    cwd: CLONE,
  });
  expect({ code, said: stdout.toString() }).toEqual({ code: 0, said: '' });
});
