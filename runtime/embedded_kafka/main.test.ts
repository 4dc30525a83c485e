import { execFile, execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { freePort } from '../../test/support/free_port.ts';
import { IS_ALL } from '../../test/support/tier.ts';
import { runningBroker } from './broker.ts';
import { isRunning, type ProcessIdentity } from './process_identity.ts';
import { killProcess } from './stop_process.ts';

/** Fetches jars, and starts three brokers; what the docs say of it is run by `test/docs/commands.test.ts`. */
const testOfAll = IS_ALL ? test : () => {};

const root = join(import.meta.dirname, '../..');
let clone: string;

/** The command as it lies in a clone that has been built, and has never been started. */
beforeAll(() => {
  clone = mkdtempSync(join(tmpdir(), 'kafka clone é-'));
  const project = {
    extends: join(root, 'tsconfig.base.json'),
    compilerOptions: {
      outDir: join(clone, 'dist'),
      rootDir: root,
      types: ['node'],
      typeRoots: [join(root, 'node_modules/@types')],
      lib: ['ES2023', 'DOM', 'DOM.Iterable'],
      noCheck: true,
    },
    // Only this command.
    files: [join(import.meta.dirname, 'main.ts')],
  };
  writeFileSync(join(clone, 'tsconfig.json'), JSON.stringify(project));
  cpSync(join(root, 'package.json'), join(clone, 'package.json'));
  symlinkSync(join(root, 'node_modules'), join(clone, 'node_modules'));
  const folder = 'runtime/embedded_kafka';
  mkdirSync(join(clone, folder), { recursive: true });
  cpSync(join(import.meta.dirname, 'pom.xml'), join(clone, folder, 'pom.xml'));
  execFileSync(join(root, 'node_modules/.bin/tsc'), ['-p', clone], { stdio: 'inherit' });
});

afterEach(async () => {
  const data = join(clone, '.data/kafka');
  for (const port of existsSync(data) ? readdirSync(data) : []) {
    const left = runningBroker(join(data, port));
    if (left !== null) await killProcess(left);
  }
});
afterAll(() => rmSync(clone, { recursive: true }));

interface Ended {
  readonly code: number;
  readonly stderr: string;
}

function kafka(port: number | string, ...args: string[]): Promise<Ended> {
  const main = join(clone, 'dist/runtime/embedded_kafka/main.js');
  const env = {
    ...process.env,
    NODE_OPTIONS: '',
    LC_ALL: 'C',
    TOPICS: 'events,orders',
    EMBEDDED_KAFKA_PORT: String(port),
  };
  return new Promise((resolve) => {
    const options = { cwd: clone, env, timeout: 240_000 };
    execFile(process.execPath, [main, ...args], options, (error, _, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stderr }),
    );
  });
}

function running(port: number): ProcessIdentity | null {
  return runningBroker(join(clone, '.data/kafka', String(port)));
}

function cachedJars(): string[] {
  const cache = join(clone, '.cache/kafka');
  return readdirSync(cache).flatMap((name) => readdirSync(join(cache, name)));
}

testOfAll(
  'npm run kafka fetches the jars once for two at once, after a fetch that was cut, comes back while the broker runs on; stop ends it, reset wipes it',
  async () => {
    const cache = join(clone, '.cache/kafka');
    mkdirSync(join(cache, 'partial-cut'), { recursive: true });
    writeFileSync(join(cache, 'partial-cut', 'kafka_2.13-4.1.1.jar'), 'half');
    writeFileSync(join(cache, 'lock'), `${process.pid}-1 token-of-a-killed-process`);

    const ports = [await freePort(), await freePort()] as const;
    const ended = await Promise.all(ports.map((port) => kafka(port)));
    const said = ended.map(({ stderr }) => stderr).join('');
    expect(ended.map(({ code }) => code)).toEqual([0, 0]);
    expect(said.match(/fetching Apache Kafka 4\.1\.1 by Maven/g)).toHaveLength(1);
    expect(readdirSync(cache)).toHaveLength(1);
    expect(cachedJars()).toContain('kafka_2.13-4.1.1.jar');
    const [port, other] = ports;
    expect(running(other)).not.toBeNull();
    expect(await kafka(other, 'stop')).toMatchObject({ code: 0 });

    const first = ended[0]!.stderr;
    expect(first).toContain('topics events, orders');
    expect(first).toContain(`runs on localhost:${port}`);
    expect(first).toContain('npm run kafka -- stop');
    const broker = running(port)!;
    expect(isRunning(broker)).toBe(true);

    const again = await kafka(port);
    expect(again).toMatchObject({ code: 0, stderr: expect.stringContaining('runs already') });
    expect(running(port)).toBe(broker);

    const data = join(clone, '.data/kafka', String(port));
    expect((await kafka(port, 'stop')).stderr).toContain(`stopped on localhost:${port}`);
    expect(isRunning(broker)).toBe(false);
    expect((await kafka(port, 'stop')).stderr).toContain('did not run');
    expect(existsSync(join(data, 'log', 'events-0'))).toBe(true);
    expect((await kafka(port, 'reset')).stderr).toContain('wiped');
    expect(existsSync(join(data, 'log'))).toBe(false);
  },
);

test('npm run kafka tells wrong use and wrong settings, and starts nothing', async () => {
  const port = await freePort();
  expect(await kafka(port, 'stpo')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('usage: npm run kafka'),
  });
  for (const args of [['--registry=x'], ['--registry', 'stop'], ['--registri']]) {
    expect(await kafka(port, ...args)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--registry'),
    });
  }
  expect(await kafka('nine')).toMatchObject({
    code: 78,
    stderr: expect.stringContaining('EMBEDDED_KAFKA_PORT'),
  });
  expect(running(port)).toBeNull();
});

test('pom.xml pins every version', () => {
  const pom = readFileSync(join(import.meta.dirname, 'pom.xml'), 'utf8');
  const dependencies = pom.match(/<artifactId>/g) ?? [];
  expect(pom.match(/<version>(\d[\w.]*|\$\{kafka\.version\})<\/version>/g)).toHaveLength(
    dependencies.length,
  );
});
