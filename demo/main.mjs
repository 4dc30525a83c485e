/**
 * `npm run demo`: a market on this machine alone, to look at and to break. A Kafka, two gateways
 * behind one address, clients that count what they get, and a page. `-- --help` has its options.
 *
 * @module
 */

import { once } from 'node:events';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { serve } from '@hono/node-server';
import { loadBuilt } from '../bench/built.mjs';
import { root } from '../install/clone.mjs';
import { Broker } from './broker.mjs';
import { Crowd } from './crowd.mjs';
import { Dial } from './dial.mjs';
import { Door } from './door.mjs';
import { Gateway } from './gateway.mjs';
import { Market } from './market.mjs';
import { say } from './say.mjs';
import { web } from './web.mjs';

const { freePort, isTaken } = await loadBuilt('runtime/embedded_kafka/ports.js');

const USAGE = `usage: npm run demo -- [options]
  --port N       of the page (8100)
  --rate N       changes of prices a second (2000)
  --clients N    that follow and count (100)
  --outage N     seconds that a killed broker is away (10)
  --away N       seconds that a killed gateway is away (4)`;
const LOOK_MS = 1000;

function readOptions() {
  const text = /** @type {const} */ ({ type: 'string' });
  const { values } = parseArgs({
    options: { port: text, rate: text, clients: text, outage: text, away: text },
  });
  /** @param {keyof typeof values} name @param {number} otherwise */
  const number = (name, otherwise) => {
    const { [name]: value = String(otherwise) } = values;
    if (/^\d{1,6}$/.test(value)) return Number(value);
    throw new Error(`--${name} is to be a number, not ${value}`);
  };
  return {
    port: number('port', 8100),
    rate: number('rate', 2000),
    clients: number('clients', 100),
    outageMs: number('outage', 10) * 1000,
    awayMs: number('away', 4) * 1000,
  };
}

/**
 * Runs until the signal.
 *
 * @param {ReturnType<typeof readOptions>} options
 * @param {AbortSignal} signal
 * @param {(() => unknown)[]} ends is given what ends each thing that was started
 */
async function run({ port, rate, clients, outageMs, awayMs }, signal, ends) {
  if (await isTaken(port)) {
    throw new Error(`localhost:${port} is in use: npm run demo -- --port N takes another`);
  }
  const broker = await Broker.start(join(root, '.data', 'demo', String(port)), signal);
  ends.push(() => broker.stop());
  const market = new Market(broker.brokers, rate);
  ends.push(() => market.stop());
  await market.createTopics();

  const origins = [`http://localhost:${port}`, `http://127.0.0.1:${port}`];
  const env = { KAFKA_BROKERS: broker.brokers, CORS_ORIGINS: origins.join() };
  const gateways = ['A', 'B'].map((name) => new Gateway(name, env));
  for (const gateway of gateways) ends.push(() => gateway.kill());
  say('starting two gateways');
  await Promise.all(gateways.map((gateway) => gateway.start(signal)));

  const doorPort = await freePort();
  const door = new Door(gateways);
  ends.push(() => door.close());
  await door.open(doorPort);
  const crowd = new Crowd(`http://127.0.0.1:${doorPort}`, clients, market);
  ends.push(() => crowd.stop());
  crowd.start();
  await market.start();

  const dial = new Dial({ broker, gateways, door, crowd });
  /** What buttons have begun. @type {Set<Promise<void>>} */
  const begun = new Set();
  ends.push(() => Promise.all(begun));
  /** @param {() => Promise<void>} work */
  const begin = (work) => () => {
    const told = work().catch((error) => {
      if (!signal.aborted) dial.tell(String(error));
    });
    begun.add(told);
    told.then(() => begun.delete(told));
  };
  const buttons = {
    gateway: begin(async () => {
      const [gateway] = door.byConnections().filter(({ isUp }) => isUp);
      if (gateway === undefined) return;
      const count = door.connectionsOf(gateway);
      await gateway.kill();
      dial.tell(`Gateway ${gateway.name} was killed: ${count} connections are lost`);
      await delay(awayMs, undefined, { signal });
      await gateway.start(signal);
      dial.tell(`Gateway ${gateway.name} is back`);
    }),
    broker: begin(async () => {
      if (!broker.isUp) return;
      dial.tell('The broker was killed: streams stay open, and are stale after 10 s');
      await broker.outage(outageMs);
      dial.tell('The broker is back, with all that it had');
    }),
    connections: begin(async () => dial.tell(`${door.cut()} connections were cut`)),
  };
  const app = web(port, doorPort, () => ({ door: doorPort, ...dial.read() }), buttons);
  const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port });
  ends.push(() => server.close());
  await once(server, 'listening');
  say(`Ready: look at http://localhost:${port}, end it with Ctrl-C`);
  for (;;) {
    await dial.look();
    await delay(LOOK_MS, undefined, { signal });
  }
}

async function main() {
  if (process.argv.includes('--help')) {
    process.stdout.write(`${USAGE}\n`);
    return 0;
  }
  const ended = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => ended.abort());
  /** @type {(() => unknown)[]} */
  const ends = [];
  try {
    await run(readOptions(), ended.signal, ends);
  } catch (error) {
    if (!ended.signal.aborted) {
      say(error instanceof Error ? error.message : String(error));
      return 1;
    }
  } finally {
    ended.abort();
    for (const end of ends.reverse()) await end();
  }
  return 0;
}

// What Kafka's client has open is not waited for.
process.exit(await main());
