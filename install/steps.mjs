import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from './build.mjs';
import { root } from './clone.mjs';
import { deno } from './deno.mjs';
import { denoOptions } from './deno_options.mjs';
import { kafkaClient } from './kafka_client.mjs';
import { withLock } from './lock.mjs';
import { nodeModules } from './node_modules.mjs';
import { python } from './python.mjs';
import { endWithErrors } from './say.mjs';
import { ensureTools, mayInstall, missingTools } from './system_tools.mjs';
import { EMBEDDED_KAFKA_TOOLS, ENGINE_TOOLS, TEST_TOOLS } from './tools.mjs';

const DOTENV = join(root, '.env');

/**
 * One step of the preparation. `ready` is asked at every start and must stay cheap; `make` runs
 * under the lock and leaves nothing that a later `ready` would take for done when it is cut.
 *
 * @typedef {object} Step
 * @property {() => Promise<boolean> | boolean} ready
 * @property {() => Promise<void>} make
 */

/** @typedef {{ deno: boolean, test: boolean, engines: boolean, quick: boolean, kafka: boolean }} Wanted */

/** @param {Wanted} wanted */
export function main(wanted) {
  return endWithErrors(async () => {
    const steps = stepsFor(wanted);
    if (!(await allReady(steps))) {
      await withLock(join(root, '.cache', 'install.lock'), async () => {
        for (const step of steps) {
          if (!(await step.ready())) {
            await step.make();
          }
        }
      });
    }
    if (wanted.deno) {
      process.stdout.write(`${denoOptions(await settings())}\n`);
    }
  });
}

/**
 * @param {Wanted} wanted
 * @returns {Step[]}
 */
function stepsFor(wanted) {
  const tools = async () => [
    ...(wanted.test || wanted.kafka ? EMBEDDED_KAFKA_TOOLS : await startTools()),
    ...(wanted.test ? TEST_TOOLS : []),
    ...(wanted.engines ? ENGINE_TOOLS : []),
  ];
  const systemTools = {
    ready: async () => (await missingTools(await tools())).length === 0,
    make: async () => ensureTools(await tools()),
  };
  if (wanted.quick) return [nodeModules];
  // Told before all that takes minutes. What `.env` says is known only after the npm packages.
  const toldAtOnce = {
    ready: async () =>
      nodeModules.ready() || mayInstall() || existsSync(DOTENV) || systemTools.ready(),
    make: systemTools.make,
  };
  if (wanted.deno) return [toldAtOnce, nodeModules, deno, systemTools];
  return [
    toldAtOnce,
    nodeModules,
    ...(wanted.test ? [deno] : []),
    // Its compiler and the other tools come from one apt-get, or stand in one printed command.
    { ready: kafkaClient.ready, make: async () => kafkaClient.make(await tools()) },
    systemTools,
    ...(wanted.test ? [python] : []),
    build,
  ];
}

/** @param {Step[]} steps */
async function allReady(steps) {
  for (const step of steps) {
    if (!(await step.ready())) {
      return false;
    }
  }
  return true;
}

/** A start needs the embedded Kafka only where no other is named. */
async function startTools() {
  const instead = 'Or use a Kafka of your own: KAFKA_BROKERS=host:port in the environment or .env.';
  const { KAFKA_BROKERS } = await settings();
  return KAFKA_BROKERS ? [] : EMBEDDED_KAFKA_TOOLS.map((tool) => ({ ...tool, instead }));
}

/**
 * The settings that are set: the environment wins over `.env`, an empty variable too, and an empty
 * value counts as unset. Asked only once the npm packages are there: one of them reads `.env`.
 *
 * @returns {Promise<Record<string, string | undefined>>}
 */
async function settings() {
  const given = { ...(await readDotenv(DOTENV)), ...process.env };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value?.trim()));
}

/** @param {string} file */
async function readDotenv(file) {
  if (!existsSync(file)) return {};
  const { parse } = await import('dotenv');
  return parse(readFileSync(file));
}
