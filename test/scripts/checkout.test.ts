import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { CLONE } from '../../runtime/embedded_kafka/clone.ts';
import { run } from '../support/program.ts';

test('a checkout with core.autocrlf=true has no CR, so that every script runs', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'checkout-'));
  try {
    // The files as they are here, committed or not, in an index and an object store of its own.
    const store = join(folder, 'store');
    const git = async (...args: readonly string[]) => {
      // To compress what is read back at once costs five times as much as all the rest.
      const config = ['core.autocrlf=true', 'core.excludesFile=', 'core.compression=0'];
      const options = config.flatMap((setting) => ['-c', setting]);
      const env = { GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' };
      const { code, stderr } = await run(['git', ...options, ...args], { cwd: CLONE, env });
      expect({ args, code, stderr }).toMatchObject({ code: 0 });
    };
    await git('init', '--quiet', '--bare', store);
    const here = [`--git-dir=${store}`, `--work-tree=${CLONE}`];
    await git(...here, 'add', '--all');
    const checkout = join(folder, 'checkout');
    await git(...here, 'checkout-index', '--all', `--prefix=${checkout}/`);
    const { stdout } = await run(['grep', '-rlI', '\r', checkout]);
    expect(stdout.toString()).toBe('');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
