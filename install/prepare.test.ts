import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

const INSTALL = fileURLToPath(new URL('../install', import.meta.url));
const NODE_MODULES = fileURLToPath(new URL('../node_modules/', import.meta.url));
const CLIENT = 'node_modules/@confluentinc/kafka-javascript';
const DEADLINE_MS = 90_000;

/** A clone with two sources, and on its PATH an npm that lays the packages from a folder. */
let clone: string;
let children: ChildProcess[];

beforeEach(() => {
  clone = mkdtempSync(join(tmpdir(), 'prepare-'));
  children = [];
  cpSync(INSTALL, join(clone, 'install'), {
    recursive: true,
    filter: (file) => !file.endsWith('.ts'),
  });
  write('package.json', '{"type":"module"}');
  write('package-lock.json', '{"packages":{"":{},"node_modules/dotenv":{"version":"1.0.0"}}}');
  write('tsconfig.base.json', '{}');
  write(
    'tsconfig.build.json',
    '{"compilerOptions":{"outDir":"dist","rootDir":".","types":[],"lib":["ES5"],"skipLibCheck":true},"include":["app","runtime"]}',
  );
  write('app/gateway.ts', 'export const port: number = 8080;\n');
  write('runtime/node.ts', "import '../app/gateway.ts';\n");
  program('npm', [
    'echo "$@" >> calls.txt',
    'if [ -e npm-hangs ]; then touch npm-started; sleep 300; fi',
    'if [ -e npm-fails ]; then echo "npm error: no network"; exit 1; fi',
    'rm -rf node_modules; cp -R registry node_modules',
    'cp package-lock.json node_modules/.package-lock.json',
  ]);
  program('mvn', []);
  program('java', []);
  write('release', 'JAVA_VERSION="21.0.1"');

  package_('typescript');
  package_('dotenv');
  write('registry/deno/deno', '');
  write('registry/deno/bin.cjs', '');
  write(
    'registry/deno/install.cjs',
    "const fs = require('fs'), bin = __dirname + '/../.bin/deno';" +
      "fs.unlinkSync(bin); fs.symlinkSync('../deno/deno', bin);",
  );
  mkdirSync(join(clone, 'registry/.bin'));
  symlinkSync('../deno/bin.cjs', join(clone, 'registry/.bin/deno'));
  // The client's features are what stands in its addon.
  write('registry/@confluentinc/kafka-javascript/package.json', '{"version":"1.0.0"}');
  write(
    'registry/@confluentinc/kafka-javascript/index.js',
    "exports.features = require('fs').readFileSync(__dirname + " +
      "'/build/Release/confluent-kafka-javascript.node', 'utf8').trim().split(' ');",
  );
  write('registry/@confluentinc/kafka-javascript/deps/librdkafka.gyp', '["make", "-j", "-C"]');
  preGyp(['mkdir -p build/Release', `echo ssl gzip zstd snappy lz4 > ${ADDON}`]);
});

afterEach(() => {
  for (const child of children) {
    child.kill('SIGKILL');
  }
  rmSync(clone, { recursive: true, force: true });
});

const ADDON = 'build/Release/confluent-kafka-javascript.node';

function write(path: string, text: string): void {
  const file = join(clone, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

function program(name: string, lines: string[]): void {
  write(`bin/${name}`, ['#!/bin/sh', 'set -e', ...lines, ''].join('\n'));
  chmodSync(join(clone, 'bin', name), 0o755);
}

function package_(name: string): void {
  mkdirSync(join(clone, 'registry'), { recursive: true });
  symlinkSync(join(NODE_MODULES, name), join(clone, 'registry', name));
}

/** What stands for node-pre-gyp, run in the folder of the client. */
function preGyp(lines: string[]): void {
  const script = JSON.stringify(
    ['set -e', 'echo fetch >> ../../../calls.txt', ...lines].join('\n'),
  );
  const code = `process.exit(require('child_process').spawnSync('sh', ['-c', ${script}]).status);`;
  write('registry/@mapbox/node-pre-gyp/bin/node-pre-gyp', code);
}

interface End {
  code: number | string | null;
  said: string;
  printed: string;
}

function start(
  args: string[] = [],
  env: NodeJS.ProcessEnv = {},
  script = 'prepare.mjs',
  [runtime, ...options]: readonly [string, ...string[]] = [process.execPath],
) {
  const command = [...options, join(clone, 'install', script), ...args];
  const child = spawn(runtime, command, {
    cwd: clone,
    env: { PATH: `${join(clone, 'bin')}:/usr/bin:/bin`, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  let said = '';
  let printed = '';
  child.stderr.on('data', (chunk) => {
    said += chunk;
  });
  child.stdout.on('data', (chunk) => {
    printed += chunk;
  });
  const ended = new Promise<End>((resolve) => {
    child.on('close', (code, signal) => resolve({ code: signal ?? code, said, printed }));
  });
  return { child, ended: within('the end of prepare.mjs', ended) };
}

const prepare = (...args: Parameters<typeof start>) => start(...args).ended;

async function within<T>(label: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no ${label} within 90 s`)), DEADLINE_MS);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

async function until(label: string, condition: () => boolean): Promise<void> {
  const end = Date.now() + DEADLINE_MS;
  while (!condition()) {
    if (Date.now() > end) {
      throw new Error(`no ${label} within 90 s`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const calls = () => readFileSync(join(clone, 'calls.txt'), 'utf8').split('\n').filter(Boolean);
const CI = 'ci --ignore-scripts --include=dev --no-audit --no-fund';
const DONE = { code: 0, said: '', printed: '' };
/** What it said stands in the failure. */
const WELL = { ...DONE, said: expect.any(String) };
const DENO = [join(NODE_MODULES, 'deno/deno'), 'run', '--allow-all'] as const;

describe('prepare.mjs', () => {
  test('installs, fetches the client, builds; then has nothing to do and nothing to say', async () => {
    const first = await prepare();
    expect(first).toEqual(WELL);
    expect(first.said).toMatch(/npm packages.*\n.*done.*\n.*GitHub.*\n.*done.*\n.*building/);
    expect(calls()).toEqual([CI, 'fetch']);
    expect(existsSync(join(clone, 'dist/app/gateway.js'))).toBe(true);
    expect(await prepare()).toEqual(DONE);
    expect(calls()).toEqual([CI, 'fetch']);
  });

  test('installs anew when package-lock.json has changed', async () => {
    await prepare();
    write('package-lock.json', '{"packages":{"":{},"node_modules/dotenv":{"version":"2.0.0"}}}');
    expect(await prepare()).toEqual(WELL);
    expect(calls()).toEqual([CI, 'fetch', CI, 'fetch']);
  });

  test("takes somebody's own npm install as it is", async () => {
    cpSync(join(clone, 'registry'), join(clone, 'node_modules'), { recursive: true });
    cpSync(join(clone, 'package-lock.json'), join(clone, 'node_modules/.package-lock.json'));
    expect(await prepare([], {}, 'kafka_client.mjs')).toEqual(WELL);
    expect(await prepare()).toEqual(WELL);
    expect(calls()).toEqual(['fetch']);
  });

  test('shows the end of the log when npm fails, and tries again at the next start', async () => {
    write('npm-fails', '');
    const failed = await prepare();
    expect(failed.said).toContain('npm-ci.log:\n    npm error: no network\n');
    expect(failed.code).toBe(1);
    rmSync(join(clone, 'npm-fails'));
    expect(await prepare()).toEqual(WELL);
  });

  test('two at once install once', async () => {
    expect(await Promise.all([prepare(), prepare()])).toEqual([WELL, WELL]);
    expect(calls()).toEqual([CI, 'fetch']);
  });

  test.each(['SIGINT', 'SIGTERM', 'SIGKILL'] as const)(
    'cut by %s takes npm along, and the next start mends it',
    async (signal) => {
      write('npm-hangs', '');
      const { child, ended } = start();
      await until('npm', () => existsSync(join(clone, 'npm-started')));
      child.kill(signal);
      expect((await ended).code).toBe({ SIGINT: 130, SIGTERM: 143, SIGKILL: signal }[signal]);
      rmSync(join(clone, 'npm-hangs'));
      expect(await prepare()).toEqual(WELL);
      expect(calls()).toEqual([CI, CI, 'fetch']);
    },
  );

  test('compiles the client where none is ready made, keeps it, and never a poor one', async () => {
    preGyp(['exit 1']);
    const compiles = (features: string) =>
      write(
        'node-gyp.cjs',
        `const step = process.argv.slice(2).join(' ').replace(/\\d+$/, 'N');
         if (step.startsWith('install')) process.exit(0);
         const fs = require('fs'); fs.mkdirSync('build/Release', { recursive: true });
         fs.mkdirSync('build/deps', { recursive: true }); fs.writeFileSync('${ADDON}', '${features}');
         fs.writeFileSync('build/deps/librdkafka.so.1', '');
         const isBounded = /-j\\d/.test(fs.readFileSync('deps/librdkafka.gyp', 'utf8'));
         fs.appendFileSync('${clone}/calls.txt', (isBounded ? step : 'make -j') + '\\n');`,
      );
    for (const tool of ['python3', 'make', 'g++']) {
      program(tool, []);
    }
    const env = { npm_config_node_gyp: join(clone, 'node-gyp.cjs') };
    compiles('ssl gzip snappy lz4');
    const poor = await prepare([], env);
    expect(poor.code).toBe(1);
    expect(poor.said).toContain('zstd (package: libzstd-dev)');
    expect(existsSync(join(clone, CLIENT, ADDON))).toBe(false);

    compiles('ssl gzip zstd snappy lz4');
    expect(await prepare([], env)).toEqual(WELL);
    expect(existsSync(join(clone, CLIENT, 'build/deps/librdkafka.so.1'))).toBe(true);
    rmSync(join(clone, 'node_modules'), { recursive: true });
    expect(await prepare([], env)).toEqual(WELL);
    // In this order: the rest includes what librdkafka makes first.
    const compile = ['configure', 'build librdkafka', 'build --jobs N'];
    const others = [CI, 'fetch'];
    expect(calls().filter((call) => !others.includes(call))).toEqual([...compile, ...compile]);
  });

  test('builds anew when a source changes, is added or deleted', async () => {
    await prepare();
    write('app/feed.ts', 'export const feed = 1;\n');
    await prepare();
    expect(existsSync(join(clone, 'dist/app/feed.js'))).toBe(true);
    rmSync(join(clone, 'app/feed.ts'));
    await prepare();
    expect(existsSync(join(clone, 'dist/app/feed.js'))).toBe(false);
    write('app/gateway.test.ts', 'nonsense that no build looks at');
    expect(await prepare()).toEqual(DONE);
  });

  test("shows the compiler's words, and takes no failed build for done", async () => {
    appendFileSync(join(clone, 'app/gateway.ts'), "export const host: number = 'localhost';\n");
    for (const { code, said } of [await prepare(), await prepare()]) {
      expect(code).toBe(1);
      expect(said).toMatch(/app\/gateway\.ts.*error TS2322/);
    }
  });

  test.each([
    ['Node', [process.execPath]],
    ['Deno', DENO],
  ] as const)('--deno on %s installs, links Deno, prints its options', async (_, runtime) => {
    const prepareDeno = () =>
      prepare(['--deno'], { HOME: clone, KAFKA_BROKERS: 'a:1' }, 'prepare.mjs', runtime);
    const first = await prepareDeno();
    expect(first).toMatchObject({ code: 0, printed: '--permission-set=gateway\n' });
    expect(calls()).toEqual([CI]);
    expect(readlinkSync(join(clone, 'node_modules/.bin/deno'))).toBe('../deno/deno');
    expect(await prepareDeno()).toEqual({ ...first, said: '' });
    expect(calls()).toEqual([CI]);
  });

  test('says what the system lacks before it installs anything', async () => {
    rmSync(join(clone, 'bin/mvn'));
    const { code, said } = await prepare([], { PATH: join(clone, 'bin') });
    expect(code).toBe(1);
    expect(said).toMatch(/^prepare: missing: Maven\. Install .*maven.*\n.*\n.*KAFKA_BROKERS=/);
    expect(existsSync(join(clone, 'calls.txt'))).toBe(false);
  });

  test('as the postinstall of npm installs no package of the system', async () => {
    preGyp(['exit 1']);
    cpSync(join(clone, 'registry'), join(clone, 'node_modules'), { recursive: true });
    program('apt-get', ['echo apt-get >> calls.txt']);
    symlinkSync(process.execPath, join(clone, 'bin/node'));
    symlinkSync('/bin/sh', join(clone, 'bin/sh'));
    const { scripts } = JSON.parse(readFileSync(join(NODE_MODULES, '../package.json'), 'utf8'));
    const env = { PATH: join(clone, 'bin') };
    const child = spawnSync('/bin/sh', ['-c', scripts.postinstall], { cwd: clone, env });
    expect(child.status).toBe(1);
    expect(`${child.stderr}`).toMatch(/missing: python3, make, g\+\+.*\n +(sudo )?apt-get update/);
    expect(calls()).toEqual(['fetch']);
  });

  test('needs Java only where no brokers are named', async () => {
    await prepare();
    const env = { JAVA_HOME: join(clone, 'none') };
    const complains = async (more: NodeJS.ProcessEnv, args: string[] = []) => {
      const { code, said } = await prepare(args, { ...env, ...more });
      expect(code === 0).toBe(said === '');
      return said;
    };
    expect(await complains({})).toContain('KAFKA_BROKERS=host:port');
    expect(await complains({ KAFKA_BROKERS: 'a:1' })).toBe('');
    expect(await complains({ KAFKA_BROKERS: 'a:1' }, ['--kafka'])).toContain('JAVA_HOME');
    write('.env', 'KAFKA_BROKERS=a:1\n');
    expect(await complains({})).toBe('');
    expect(await complains({ KAFKA_BROKERS: ' ' })).toContain('JAVA_HOME');
  });
});
