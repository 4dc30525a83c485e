/**
 * The native Kafka client, @confluentinc/kafka-javascript: its addon comes ready made from GitHub,
 * from an earlier compile kept in `.cache/`, or is compiled now. Also npm's `postinstall`:
 *
 *     node install/kafka_client.mjs
 *
 * The package's own install script is off (`allowScripts` in package.json): where GitHub cannot
 * be reached it wants the sources of its dependencies from the network too, and fails.
 */

import { existsSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from './clone.mjs';
import { runLong } from './command.mjs';
import { missingFeatures } from './kafka_client_features.mjs';
import { compile } from './kafka_client_source.mjs';
import { withLock } from './lock.mjs';
import { endWithErrors, PrepareError } from './say.mjs';
import { ensureTools } from './system_tools.mjs';
import { COMPILE_TOOLS } from './tools.mjs';

const PACKAGE = join(root, 'node_modules', '@confluentinc', 'kafka-javascript');
const BUILD = join(PACKAGE, 'build');
const ADDON = join(BUILD, 'Release', 'confluent-kafka-javascript.node');
/** Beside the addon, so that it goes with it. */
const STAMP_FILE = join(BUILD, 'prepared');
const PRE_GYP = join(root, 'node_modules', '@mapbox', 'node-pre-gyp', 'bin', 'node-pre-gyp');

export const kafkaClient = { ready, make };

/** Loading the addon takes longer than all other checks, so an accepted one is remembered. */
function ready() {
  return existsSync(STAMP_FILE) && readFileSync(STAMP_FILE, 'utf8') === addonState();
}

/**
 * @param {import('./tools.mjs').Tool[]} [alsoNeeded] installed along with what compiles it
 * @throws {PrepareError}
 */
async function make(alsoNeeded = []) {
  const kept = join(root, '.cache', 'kafka-client', addonKey());
  if ((await accept()) || ((await restore(kept)) && (await accept()))) {
    return;
  }
  if ((await fetchPrebuilt()) && (await accept())) {
    return;
  }
  await ensureTools([...COMPILE_TOOLS, ...alsoNeeded]);
  await compile(PACKAGE, kept);
  await restore(kept);
  if (!(await accept())) {
    throw new PrepareError(`the compiled Kafka client cannot be used: remove ${kept}, start again`);
  }
}

async function accept() {
  if (!existsSync(ADDON) || (await missingFeatures(PACKAGE)).length > 0) {
    return false;
  }
  writeFileSync(STAMP_FILE, addonState());
  return true;
}

/** @param {string} kept */
async function restore(kept) {
  if (!existsSync(kept)) {
    return false;
  }
  rmSync(BUILD, { recursive: true, force: true });
  await cp(kept, BUILD, { recursive: true });
  return true;
}

function fetchPrebuilt() {
  rmSync(BUILD, { recursive: true, force: true });
  return runLong(process.execPath, [PRE_GYP, 'install', '--update-binary'], {
    label: 'fetching the ready-made Kafka client from GitHub',
    about: '5 s',
    log: 'kafka-client-fetch.log',
    deadlineSeconds: 120,
    cwd: PACKAGE,
    quiet: true,
  });
}

/** An addon fits one version of the package, one ABI of Node and one kind of machine. */
function addonKey() {
  const { version } = JSON.parse(readFileSync(join(PACKAGE, 'package.json'), 'utf8'));
  return `${version}-abi${process.versions.modules}-${process.platform}-${process.arch}`;
}

function addonState() {
  const addon = statSync(ADDON, { throwIfNoEntry: false });
  return `${addonKey()} ${addon?.mtimeMs} ${addon?.size}`;
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  // npx installs the clone into its cache, as a link, only to find the command sse-cat in it.
  const byNpx = process.env['npm_command'] === 'exec';
  await endWithErrors(async () => {
    if (!byNpx && !ready()) {
      await withLock(join(root, '.cache', 'install.lock'), () => make());
    }
  });
}
