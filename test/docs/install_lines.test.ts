import { once } from 'node:events';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { CLONE } from '../../runtime/embedded_kafka/clone.ts';
import { copySources } from '../support/copy_sources.ts';
import { endedWith, Program, run, succeeded } from '../support/program.ts';
import { PAGES } from './pages.ts';

/** Of a registry and a virtual environment; no measure of speed. */
const INSTALL_MS = 480_000;

const EVENT = { partition: 0, offset: 0, timestamp: 0, key: '1', value: 'Hello, world' };

/**
 * Lines that install something, each with the program below it, if it is not one of `examples/`, how
 * that is run, what it prints. The client's package has a suite of its own, `test/client/package.test.ts`.
 */
const INSTALLS = PAGES.flatMap(({ path, blocks }) =>
  blocks.flatMap(({ text }, i) =>
    /^(npm|pip) install (?!-g|https:)/.test(text)
      ? [[`${path}: ${text.trim()}`, blocks.slice(i, i + 4).map((block) => block.text)] as const]
      : [],
  ),
);

/** The install lines of a gateway that is run for real. */
const FROM_THE_CLONE = 'npm ci && npm run build\n';

describe('from nothing', () => {
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(`data:${JSON.stringify(EVENT)}\nid:1\n\n`);
  });
  let folder!: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'install-'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });

  afterAll(async () => {
    server.close();
    server.closeAllConnections();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  test.each(INSTALLS)(
    '%s brings what the program below it needs',
    async (line, [install = '', ...below]) => {
      const cwd = await mkdtemp(join(folder, 'program-'));
      const environment = join(cwd, '.venv');
      const env = { PATH: `${join(environment, 'bin')}:${process.env['PATH']}`, HOME: cwd };
      const bash = (text: string) => ['bash', '--norc', '-c', `exec ${text}`] as const;
      if (line.includes('pip install'))
        await succeed(['python3', '-m', 'venv', environment], { cwd, env });
      await succeed(bash(install), { cwd, env });

      const { port } = server.address() as AddressInfo;
      const here = (text: string) => text.replace('localhost:8080', `127.0.0.1:${port}`);
      const [, file] = /^(?:\/\/|#) (\S+)\n/.exec(below[0]!) ?? [];
      if (file !== undefined) await writeFile(join(cwd, file), here(below.shift()!));
      await symlink(join(CLONE, 'examples'), join(cwd, 'examples'));
      const [command = '', printed = ''] = below;
      await using running = new Program(bash(here(command)), { cwd, env });
      await running.printed(printed);
    },
    2 * INSTALL_MS,
  );

  test(
    `${FROM_THE_CLONE.trim()} makes what is started then`,
    async () => {
      const pages = PAGES.filter(({ blocks }) =>
        blocks.some(({ text }) => text.startsWith(FROM_THE_CLONE)),
      );
      expect(pages.map(({ path }) => path)).toContain('README.md');
      const cwd = join(folder, 'clone');
      await copySources(cwd);
      // A Kafka client that was compiled here before is not compiled again.
      await symlink(join(CLONE, '.cache'), join(cwd, '.cache'));
      await succeed(['bash', '--norc', '-c', FROM_THE_CLONE], { cwd });
      const start = [process.execPath, 'dist/runtime/start.cjs'] as const;
      const outcome = await run(start, { cwd, env: { HTTP_PORT: 'none' } });
      expect(endedWith(78, start.join(' '), outcome).stderr).toContain('HTTP_PORT');
    },
    2 * INSTALL_MS,
  );
});

async function succeed(...[command, options]: Parameters<typeof run>): Promise<void> {
  succeeded(command.join(' '), await run(command, options, INSTALL_MS));
}
