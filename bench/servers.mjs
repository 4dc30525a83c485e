import { existsSync, readdirSync } from 'node:fs';
import { basename, delimiter, join, resolve } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { nchanCommand, nchanMissing } from './servers/nchan.mjs';

/** @typedef {import('./producer.mjs').Sink} Sink */

/**
 * What a server is started for.
 *
 * @typedef {object} Place
 * @property {string} brokers
 * @property {string} topic several are joined by commas
 * @property {number} partitions
 * @property {number} port
 * @property {number} httpsPort 0 for none
 * @property {number} adminPort
 * @property {string} folder
 */

/**
 * A server to measure.
 *
 * @typedef {object} Server
 * @property {string} name
 * @property {string | null} missing why it cannot be run here
 * @property {boolean} history whether a new client gets the records that are there already
 * @property {boolean} ours whether it has what only the gateway has (`format=json`, partitions)
 * @property {(place: Place) => Promise<string[]> | string[]} command
 * @property {Record<string, string>} [env]
 * @property {(place: Place) => string} url of the stream
 * @property {(place: Place) => string} readyUrl answers with 200 once it can be measured
 * @property {(place: Place) => Sink} sink
 */

const CLONE = fileURLToPath(new URL('..', import.meta.url));

/**
 * @param {Partial<Server> & Pick<Server, 'name' | 'command'>} server
 * @returns {Server}
 */
function withDefaults(server) {
  const url = (/** @type {Place} */ { port, topic }) => `http://127.0.0.1:${port}/${topic}`;
  return {
    missing: null,
    history: false,
    ours: false,
    url,
    readyUrl: url,
    sink: ({ brokers, topic, partitions }) => ({ kind: 'kafka', brokers, topic, partitions }),
    ...server,
  };
}

/** @param {Pick<Server, 'name' | 'command' | 'missing' | 'env'>} server */
function gateway(server) {
  return withDefaults({
    ...server,
    history: true,
    ours: true,
    readyUrl: ({ adminPort }) => `http://127.0.0.1:${adminPort}/readyz`,
  });
}

/** @param {string} file */
const program = (file) => () => [process.execPath, join(CLONE, 'bench', 'servers', file)];

/**
 * The gateway of a clone, on each runtime.
 *
 * @param {string} clone
 * @param {string} [mark] tells it from that of another
 */
function gatewaysOf(clone, mark = '') {
  return [
    gateway({
      name: `gateway on Node${mark}`,
      missing: null,
      // As `npm start` does it; compressed is what asks for it.
      env: { MALLOC_ARENA_MAX: '2', COMPRESSION: 'gzip' },
      command: () => [
        process.execPath,
        '--max-semi-space-size=4',
        join(clone, 'dist', 'runtime', 'start.cjs'),
      ],
    }),
    gateway({
      name: `gateway on Deno${mark}`,
      missing: denoMissing(),
      // As `deno task start` does it.
      env: {
        MALLOC_ARENA_MAX: '2',
        COMPRESSION: 'gzip',
        MALLOC_MMAP_THRESHOLD_: '32768',
        DENO_V8_FLAGS: '--max-semi-space-size=4,--heap-growing-percent=50',
      },
      command: () => [
        deno() ?? 'deno',
        ...['run', '--quiet', '--allow-all', '--config', join(clone, 'deno.json')],
        join(clone, 'runtime', 'deno.ts'),
      ],
    }),
  ];
}

/**
 * @param {string[]} beside folders of other clones
 * @returns {Server[]} all that are measured side by side, the peers of the command line left out
 */
export function knownServers(beside) {
  return [
    ...gatewaysOf(CLONE),
    ...beside.flatMap((folder) => gatewaysOf(resolve(folder), ` (${basename(folder)})`)),
    withDefaults({ name: 'bare node:http', command: program('node_http_server.mjs') }),
    withDefaults({ name: 'Hono streamSSE', command: program('stream_sse_server.mjs') }),
    withDefaults({
      name: 'nginx + nchan',
      missing: nchanMissing(),
      command: ({ folder, port }) => nchanCommand(folder, port),
      sink: ({ port }) => ({ kind: 'post', url: `http://127.0.0.1:${port}/publish` }),
    }),
  ];
}

/**
 * A server of the command line.
 *
 * @param {import('./options.mjs').PeerOptions} options
 */
export function peerServer({ name, command, url, feed, history }) {
  /** @type {(text: string, place: Place) => string} */
  const filled = (text, { port, topic }) =>
    text.replaceAll('{port}', String(port)).replaceAll('{topic}', topic);
  const here = (/** @type {Place} */ place) => filled(url, place);
  const sink = (/** @type {Place} */ place) => {
    const { brokers, topic, partitions } = place;
    if (feed === null) return /** @type {Sink} */ ({ kind: 'kafka', brokers, topic, partitions });
    const [method, target = ''] = feed.split(' ');
    const kind = method === 'POST' ? 'post' : 'own';
    return /** @type {Sink} */ ({ kind, url: filled(target, place) });
  };
  return withDefaults({
    name,
    history,
    command: (place) => ['sh', '-c', `exec ${filled(command, place)}`],
    url: here,
    readyUrl: here,
    sink,
  });
}

function denoMissing() {
  if (!existsSync(join(CLONE, 'runtime', 'deno.ts'))) return 'not there (no runtime/deno.ts)';
  return deno() === null ? 'not there (no deno)' : null;
}

/** The system's, else that of the npm package, of which each platform has its own. */
function deno() {
  const packages = join(CLONE, 'node_modules', '@deno');
  const platforms = existsSync(packages) ? readdirSync(packages) : [];
  const folders = [
    ...(process.env['PATH'] ?? '').split(delimiter).filter((folder) => !folder.endsWith('.bin')),
    ...platforms.map((platform) => join(packages, platform)),
  ];
  return folders.map((folder) => join(folder, 'deno')).find((file) => existsSync(file)) ?? null;
}
