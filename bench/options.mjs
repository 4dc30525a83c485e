import { parseArgs } from 'node:util';
import { BenchError } from './bench_error.mjs';

export const USAGE = `usage: npm run bench -- [options]
  --quick               under 2 minutes: fewer workloads, one round
  --curve               latency against CPU, from 10 to 160 records a second
  --beside FOLDER       the gateway of another clone, built there, beside this one; repeatable
  --rounds N            runs of each workload on each server (default 3)
  --only WORD           only workloads or servers with this word in their name; repeatable
  --peer 'COMMAND'      one more server; {port} and {topic} are filled in. It finds KAFKA_BROKERS,
                        TOPICS and HTTP_PORT in its environment
    --url URL           its stream, such as http://127.0.0.1:{port}/{topic}
    --name NAME         default: the first word of the command
    --feed 'POST URL'   it takes records by HTTP, or
    --feed 'GET URL'    makes them itself, asked with {rate}, {burst} and {seconds}; default: from Kafka
    --history           a new client gets the records that are there already
  --ratio-to NAME       the server that others are compared with (default: bare node:http)`;

/**
 * @typedef {object} PeerOptions
 * @property {string} name
 * @property {string} command
 * @property {string} url
 * @property {string | null} feed
 * @property {boolean} history
 */

/**
 * @typedef {object} Options
 * @property {boolean} quick
 * @property {boolean} curve
 * @property {string[]} beside
 * @property {number} rounds
 * @property {string[]} only
 * @property {string} ratioTo
 * @property {PeerOptions[]} peers
 */

/**
 * @param {string[]} args
 * @returns {Options}
 * @throws {BenchError}
 */
export function parseOptions(args) {
  try {
    return parse(args);
  } catch (error) {
    throw new BenchError(`${/** @type {Error} */ (error).message}\n${USAGE}`);
  }
}

/** @param {string[]} args */
function parse(args) {
  const { values, tokens } = parseArgs({
    args,
    tokens: true,
    options: {
      quick: { type: 'boolean', default: false },
      curve: { type: 'boolean', default: false },
      beside: { type: 'string', multiple: true, default: [] },
      rounds: { type: 'string' },
      only: { type: 'string', multiple: true, default: [] },
      'ratio-to': { type: 'string', default: 'bare node:http' },
      peer: { type: 'string', multiple: true },
      url: { type: 'string', multiple: true },
      name: { type: 'string', multiple: true },
      feed: { type: 'string', multiple: true },
      history: { type: 'boolean', multiple: true },
    },
  });
  const rounds = Number(values.rounds ?? (values.quick ? 1 : 3));
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds takes a number from 1');
  /** @type {PeerOptions[]} */
  const peers = [];
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const { name, value = '' } = token;
    const peer = peers.at(-1);
    if (name === 'peer') {
      const first = value.split(' ', 1)[0]?.split('/').at(-1) ?? value;
      peers.push({ name: first, command: value, url: '', feed: null, history: false });
    } else if (name === 'url' || name === 'name' || name === 'feed' || name === 'history') {
      if (peer === undefined) throw new Error(`--${name} belongs behind a --peer`);
      Object.assign(peer, { [name]: name === 'history' ? true : value });
    }
  }
  const silent = peers.find(({ url }) => !URL.canParse(url.replaceAll('{port}', '1')));
  if (silent) throw new Error(`--peer '${silent.command}' needs --url http://127.0.0.1:{port}/…`);
  const { quick, curve, beside, only, 'ratio-to': ratioTo } = values;
  return { quick, curve, beside, rounds, only, ratioTo, peers };
}
