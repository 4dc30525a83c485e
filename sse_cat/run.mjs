import { colored, wantsColors } from './colors.mjs';
import { follow, GaveUp } from './follower.mjs';
import { harmless } from './harmless.mjs';
import { jsonLine, recordOf, topicOf } from './json_line.mjs';
import { HELP, parseOptions, UsageError } from './options.mjs';
import { createOutput } from './output.mjs';

/** Of the connection, not of the topic; their ids count. */
const NO_EVENTS = new Set(['place', 'expired', 'unauthorized']);

/**
 * What the command needs of its process.
 *
 * @typedef {object} Environment
 * @property {readonly string[]} argv
 * @property {NodeJS.ProcessEnv} env
 * @property {import('node:stream').Writable & { readonly isTTY?: boolean }} stdout
 * @property {import('node:stream').Writable & { readonly isTTY?: boolean }} stderr
 * @property {string} version
 * @property {AbortSignal} signal ends the command with 0
 */

/**
 * The command `sse-cat`.
 *
 * @param {Environment} environment
 * @returns {Promise<number>} the exit code: 0 asked-for end, 1 gave up, 2 usage.
 */
export async function run(environment) {
  const { argv, env, stdout, stderr } = environment;
  // Nobody reads stderr any more: no reason to stop printing to stdout.
  stderr.on('error', () => {});
  /** @type {ReturnType<typeof parseOptions>} */
  let options;
  try {
    options = parseOptions(argv, env);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    tell(stderr, `${error.message} (see sse-cat --help)`);
    return 2;
  }
  if (typeof options === 'object') return print(options, environment);
  stdout.on('error', () => {});
  const text = options === 'help' ? HELP : `sse-cat ${environment.version}\n`;
  await new Promise((resolve) => stdout.write(text, resolve));
  return 0;
}

/**
 * @param {import('./options.mjs').Options} options
 * @param {Environment} environment
 */
async function print(options, { env, stdout, stderr, signal: stop }) {
  const { events, json, format, max, timeout } = options;
  const paint = json && wantsColors(stdout, env) ? colored : (/** @type {string} */ text) => text;
  // A pipe gets every byte as it is.
  const shown = (/** @type {string} */ text) => (stdout.isTTY ? paint(harmless(text, json)) : text);
  const tells = stderr.isTTY && !options.quiet;
  const output = createOutput(stdout, { max, timeout, signal: stop });
  let code = 0;
  await Promise.all(
    options.urls.map(async (url) => {
      try {
        await follow(url, follower(url));
      } catch (error) {
        if (!(error instanceof GaveUp)) throw error;
        code = 1;
        tell(stderr, `${url}: ${error.message}`);
      }
    }),
  );
  const failure = await output.end();
  if (failure !== null) tell(stderr, failure);
  return failure === null ? code : 1;

  /**
   * @param {URL} url
   * @returns {import('./follower.mjs').Follower}
   */
  function follower(url) {
    const topic = topicOf(url);
    let isInTrouble = false;
    let wasOpen = false;
    return {
      ...options,
      signal: output.signal,
      onEvent(type, data, id) {
        if (events === null ? !NO_EVENTS.has(type) : events.has(type))
          output.addEvent(lineOf(type, data, id));
        else if (type === 'gap') {
          // On a terminal it stands where it belongs: after what came before it.
          output.write();
          tell(stderr, `gap ${data}`);
        } else if (type === 'unauthorized') {
          output.write();
          tell(stderr, `${url}: unauthorized ${data}`);
        } else if ((type === 'stale' || type === 'fresh') && tells) {
          output.write();
          tell(stderr, `${type} ${data}`);
        }
      },
      onOpen() {
        if (tells && (isInTrouble || !wasOpen))
          tell(stderr, `${url}: ${wasOpen ? 'back' : 'connected'}`);
        isInTrouble = false;
        wasOpen = true;
      },
      onPieceEnd: () => output.flush(),
      onRetry(reason, milliseconds, first) {
        isInTrouble = true;
        // Into a log the first failure goes, too: a wrong port must not look like a silent topic.
        if (options.quiet || !(stderr.isTTY || first)) return;
        const seconds = (milliseconds / 1000).toFixed(1);
        tell(stderr, `${url}: ${reason}; trying again in ${seconds} s`);
      },
    };

    /**
     * @param {string} type
     * @param {string} data
     * @param {string} id
     */
    function lineOf(type, data, id) {
      if (format !== null) return shown(format(recordOf(data), topic));
      return `${shown(json ? jsonLine(topic, type, data, id) : data)}\n`;
    }
  }
}

/**
 * One line, whatever a server put into it: control characters could steer the terminal.
 *
 * @param {import('node:stream').Writable} stderr
 * @param {string} message
 */
function tell(stderr, message) {
  stderr.write(`sse-cat: ${message.replace(/\p{Cc}/gu, ' ')}\n`);
}
