import { exec, runLong } from './command.mjs';
import { PrepareError } from './say.mjs';
import { which } from './tools.mjs';

/** @typedef {import('./tools.mjs').Tool} Tool */

/**
 * The machine, and the way to install packages on it; tests pass their own.
 *
 * @typedef {import('./tools.mjs').Machine & {
 *   platform: NodeJS.Platform,
 *   root: boolean,
 *   apt: (args: string[], options?: { quiet: boolean }) => Promise<boolean>,
 * }} Host
 */

/** Packages of servers start these otherwise: to invoke-rc.d and to systemctl there is no need to. */
const STARTS_NO_SERVICE = { RUNLEVEL: '1', SYSTEMD_OFFLINE: '1' };

/** @type {Host} */
const thisHost = {
  env: process.env,
  exec,
  platform: process.platform,
  root: process.getuid?.() === 0,
  apt: (args, { quiet } = { quiet: false }) =>
    runLong('apt-get', ['-y', '-o', 'DPkg::Lock::Timeout=300', ...args], {
      label: `apt-get ${args.join(' ')}`,
      about: '5 to 120 s',
      log: `apt-get-${args[0]}.log`,
      deadlineSeconds: 1_800,
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', ...STARTS_NO_SERVICE },
      quiet,
      // Cut in the middle, dpkg leaves a system that its owner has to mend.
      leashed: false,
    }),
};

/**
 * @param {Tool[]} tools
 * @param {Host} [host]
 */
export async function missingTools(tools, host = thisHost) {
  const present = await Promise.all(tools.map((tool) => tool.present(host)));
  return tools.filter((_, index) => !present[index]);
}

/**
 * Whether it installs what is missing: as root, with apt-get, and not where INSTALL=no.
 *
 * @param {Host} [host]
 */
export function mayInstall({ env, root } = thisHost) {
  return root && env['INSTALL'] !== 'no' && which('apt-get', env) !== null;
}

/**
 * Sees to it that the tools are there; nothing is asked.
 *
 * @param {Tool[]} tools
 * @param {Host} [host]
 * @throws {PrepareError} with the command to type
 */
export async function ensureTools(tools, host = thisHost) {
  const missing = await missingTools(tools, host);
  if (missing.length === 0) {
    return;
  }
  for (const { name, variable = '', instead = '' } of missing) {
    const place = host.env[variable];
    if (place) {
      throw new PrepareError(
        `${variable} is ${place}, and ${name} is not there: correct it or unset it. ${instead}`,
      );
    }
  }
  if (!mayInstall(host)) {
    throw new PrepareError(await whatToType(missing, host));
  }
  const install = async (/** @type {boolean} */ quiet) =>
    host.apt(['install', '--no-install-recommends', ...(await packages(missing, host))], { quiet });
  if (!(await install(true))) {
    // Its lists may be missing (a bare container) or old.
    await host.apt(['update'], { quiet: true });
    await install(false);
  }
  const still = await missingTools(missing, host);
  if (still.length > 0) {
    throw new PrepareError(await whatToType(still, host));
  }
}

/**
 * @param {Tool[]} missing
 * @param {Host} host
 */
async function whatToType(missing, host) {
  const names = [...new Set(missing.map(({ name }) => name))].join(', ');
  const instead = new Set(missing.flatMap((tool) => tool.instead ?? []));
  return [
    `missing: ${names}. Install ${await commandFor(missing, host)}\nand start again.`,
    ...instead,
  ].join('\n');
}

/**
 * @param {Tool[]} missing
 * @param {Host} host
 */
async function commandFor(missing, host) {
  if (host.platform === 'darwin') {
    const names = new Set(missing.map(({ debian, brew = debian }) => brew));
    return `by\n    brew install ${[...names].join(' ')}`;
  }
  const debian = (await packages(missing, host)).join(' ');
  if (which('apt-get', host.env) === null) {
    return `with your package manager (Debian calls them: ${debian})`;
  }
  const sudo = host.root ? '' : 'sudo ';
  return `by\n    ${sudo}apt-get update && ${sudo}apt-get install -y --no-install-recommends ${debian}`;
}

/**
 * @param {Tool[]} tools
 * @param {Host} host
 */
async function packages(tools, host) {
  const known = async (/** @type {string} */ name) =>
    (await host.exec('apt-cache', ['show', '--no-all-versions', name])).ok;
  const names = tools.map(async ({ debian, debianElse }) =>
    debianElse === undefined || (await known(debian)) ? debian : debianElse,
  );
  return [...new Set(await Promise.all(names))];
}
