import { accessSync, constants, existsSync, readFileSync, realpathSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Kafka 4 brokers run on no older one. */
const OLDEST_JAVA = 17;
const BROWSERS = ['chromium', 'chromium-browser', 'google-chrome'];

/**
 * The machine as the checks see it.
 *
 * @typedef {object} Machine
 * @property {NodeJS.ProcessEnv} env
 * @property {import('./command.mjs').Exec} exec
 */

/**
 * A program or header of the system that is needed.
 *
 * @typedef {object} Tool
 * @property {string} name as a message calls it
 * @property {string} debian the package that brings it
 * @property {string} [debianElse] ... and where the distribution does not have that one
 * @property {string} [brew] ... and what Homebrew calls it, where that differs
 * @property {(machine: Machine) => boolean | Promise<boolean>} present
 * @property {string} [variable] names its place; where that is wrong, no package helps
 * @property {string} [instead] the other way out
 */

/** @type {(name: string, more?: Partial<Tool> & { program?: string }) => Tool} */
const program = (name, { program = name, ...more } = {}) => ({
  name,
  debian: name,
  present: ({ env }) => which(program, env) !== null,
  ...more,
});

/**
 * A server, which is not on the PATH of everybody.
 *
 * @type {(name: string, more?: Partial<Tool>) => Tool}
 */
const server = (name, more = {}) => ({
  name,
  debian: name,
  present: ({ env }) => which(name, { PATH: `${env['PATH']}:/usr/sbin` }) !== null,
  ...more,
});

/** @type {(file: string, debian: string, brew: string) => Tool} */
const header = (file, debian, brew) => ({
  name: file,
  debian,
  brew,
  present: async ({ exec }) =>
    (await exec('g++', ['-E', '-x', 'c++', '-'], `#include <${file}>\n`)).ok,
});

const PYTHON = program('python3', { brew: 'python' });

/**
 * What compiles the Kafka client. It compiles without these headers too, but then says nothing
 * of the feature it lacks. libcurl4-openssl-dev and libsasl2-dev would add OIDC and Kerberos,
 * for which there is no setting.
 */
export const COMPILE_TOOLS = [
  PYTHON,
  program('make'),
  program('g++', { brew: 'gcc' }),
  header('openssl/ssl.h', 'libssl-dev', 'openssl'),
  header('zlib.h', 'zlib1g-dev', 'zlib'),
  header('zstd.h', 'libzstd-dev', 'zstd'),
];

/** @type {Tool[]} */
export const EMBEDDED_KAFKA_TOOLS = [
  {
    name: `Java ${OLDEST_JAVA} or later`,
    // The default may be older than the exact one (Debian 11, Ubuntu 22.04), or the only one (13).
    debian: `openjdk-${OLDEST_JAVA}-jre-headless`,
    debianElse: 'default-jre-headless',
    // Unlike openjdk, found by macOS as it is.
    brew: `temurin@${OLDEST_JAVA}`,
    present: async (machine) => (await javaVersion(machine)) >= OLDEST_JAVA,
    variable: 'JAVA_HOME',
  },
  program('Maven', { debian: 'maven', program: 'mvn' }),
];

/** @type {Tool[]} */
export const TEST_TOOLS = [
  {
    name: 'Chromium',
    debian: 'chromium',
    present: ({ env }) => {
      const { CHROMIUM_PATH } = env;
      return CHROMIUM_PATH
        ? isExecutable(CHROMIUM_PATH)
        : BROWSERS.some((name) => which(name, env) !== null);
    },
    variable: 'CHROMIUM_PATH',
    instead: 'CHROMIUM_PATH may name a Chromium or Chrome that is not on PATH.',
  },
  program('kcat'),
  program('curl'),
  PYTHON,
  {
    name: "Python's venv",
    debian: 'python3-venv',
    brew: 'python',
    // Debian's python3 has the module, but not the pip that it puts into an environment.
    present: async ({ exec }) => (await exec('python3', ['-c', 'import ensurepip, venv'])).ok,
  },
  program('shellcheck'),
  program('git'),
  program('jq'),
  program('ps', { debian: 'procps' }),
  ...[server('nginx'), server('haproxy'), server('caddy')],
  server('apache2', { debian: 'apache2-bin', brew: 'httpd' }),
];

/**
 * Browsers beside Chromium, of `npm run test:all`. WebKit's driver brings a browser that wants a screen.
 *
 * @type {Tool[]}
 */
export const ENGINE_TOOLS = [
  {
    name: 'Firefox',
    debian: 'firefox-esr',
    brew: 'firefox',
    present: ({ env }) => isExecutable(env['FIREFOX_PATH'] || '/usr/bin/firefox-esr'),
    variable: 'FIREFOX_PATH',
    instead: 'FIREFOX_PATH may name a Firefox that is elsewhere.',
  },
  program('WebKitWebDriver', { debian: 'webkit2gtk-driver' }),
  program('Xvfb', { debian: 'xvfb' }),
];

/**
 * The first file on PATH that can be run; `null` where there is none.
 *
 * @param {string} name
 * @param {NodeJS.ProcessEnv} env
 */
export function which(name, env) {
  const { PATH = '' } = env;
  const folders = PATH.split(delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, name)).find(isExecutable) ?? null;
}

/**
 * The feature number of `JAVA_HOME`'s Java, else of the one on PATH; 0 where there is none. Read
 * from the `release` file beside it, because starting Java takes longer than all other checks.
 *
 * @param {Machine} machine
 */
export async function javaVersion({ env, exec }) {
  const { JAVA_HOME: home } = env;
  const java = home ? join(home, 'bin', 'java') : which('java', env);
  if (java === null || !isExecutable(java)) {
    return 0;
  }
  const release = join(realpathSync(java), '..', '..', 'release');
  const said = existsSync(release)
    ? readFileSync(release, 'utf8')
    : (await exec(java, ['-version'])).stderr;
  // JAVA_VERSION="17.0.15", openjdk version "21" 2023-09-19, java version "1.8.0_292"
  return Number(/version\s*=?\s*"(?:1\.)?(\d+)/i.exec(said)?.[1] ?? 0);
}

/** @param {string} file */
function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
