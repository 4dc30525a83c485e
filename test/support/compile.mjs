import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Compiles a script and what it imports. Run as plain JavaScript they are several times as fast as
 * within jest, where every access to a global goes through the context of the test.
 *
 * @param {string} root the folder that holds `app` and `test`
 * @param {string} script its path in there
 * @param {string} folder where to put what comes out
 * @param {...string} others paths of scripts that it starts, beside it
 * @returns {string} the script to run
 */
export function compile(root, script, folder, ...others) {
  mkdirSync(folder, { recursive: true });
  const config = {
    extends: join(REPOSITORY, 'tsconfig.base.json'),
    compilerOptions: {
      outDir: join(folder, 'out'),
      rootDir: root,
      allowJs: true,
      noCheck: true,
      types: [],
    },
    files: [script, ...others].map((name) => join(root, name)),
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
  const tsc = join(REPOSITORY, 'node_modules', 'typescript', 'bin', 'tsc');
  const { status, stdout, stderr } = spawnSync(process.execPath, [tsc, '-p', folder], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`cannot compile ${script}: ${stdout}${stderr}`);
  return join(folder, 'out', script.replace(/\.ts$/, '.js'));
}
