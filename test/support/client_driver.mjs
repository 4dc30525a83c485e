/**
 * Runs the drop-in client (public/client/client.js) on any runtime for suites that run on Node. Commands
 * come on stdin and answers go to stdout, a line of JSON each; bytes are `{"bytes": [...]}` there.
 *
 * Plain JavaScript, because Node 20 and Deno both run it as it is.
 */

import { Buffer } from 'node:buffer';
import process from 'node:process';
import { URL } from 'node:url';
import { answerCommands } from './answer_commands.mjs';

// Node's global takes no events, as those of browsers and of Deno do.
const target = new EventTarget();
if (!('dispatchEvent' in globalThis)) {
  Object.assign(globalThis, {
    addEventListener: target.addEventListener.bind(target),
    removeEventListener: target.removeEventListener.bind(target),
    dispatchEvent: target.dispatchEvent.bind(target),
  });
}

/** @param {string} name */
const load = (name) => import(new URL(`../../public/client/${name}.js`, import.meta.url).href);

/** @type {typeof import('../../public/client/client.js')} */
const { connect, table } = await load('client');
const { BlockParser } = await load('client_stream');

/**
 * @typedef {import('../../public/client/client.js').Connection} Connection
 * @typedef {import('../../public/client/client.js').Table} Table
 * @typedef {{
 *   id: number, command: string, name: string, url: string, options: object, count: number,
 *   isStored: boolean, tokens?: string[], parses: boolean, key: string, chunks: string[],
 *   sign: string, isHidden: boolean, ms: number,
 * }} Command
 * @typedef {{
 *   connection: Connection, table: Table | null, log: object[], statuses: string[],
 *   iterator: AsyncIterator<MessageEvent> | null, abort: AbortController,
 * }} Opened
 */

/** @type {Map<string, Opened>} */
const opened = new Map();
/** @type {Map<string, string>} */
const stored = new Map();
const store = {
  getItem: async (/** @type {string} */ key) => stored.get(key) ?? null,
  setItem: (/** @type {string} */ key, /** @type {string} */ id) => void stored.set(key, id),
};

/** @param {string} name */
function named(name) {
  const found = opened.get(name);
  if (found === undefined) throw new Error(`nothing is open as ${name}`);
  return found;
}

/** @param {any} event */
function lineOf(event) {
  const { type, data, lastEventId, error, retryMs, keys } = event;
  const status = error?.status;
  const detail = detailOf(event);
  return { type, data, id: lastEventId, detail, error: error?.message, status, retryMs, keys };
}

/** @param {any} event */
function detailOf(event) {
  try {
    return event.detail;
  } catch (error) {
    return String(error);
  }
}

/** @param {string[]} tokens */
function tokenOf(tokens) {
  return async () => {
    const token = tokens.shift();
    if (token === undefined) throw new Error('no token');
    return token;
  };
}

/**
 * What a command does, by its name; what it returns is sent back.
 * @type {Record<string, (command: Command) => unknown>}
 */
const COMMANDS = {
  connect({ name, url, options, isStored, tokens, parses }) {
    const abort = new AbortController();
    const given = {
      ...options,
      signal: abort.signal,
      ...(isStored ? { store } : {}),
      ...(tokens ? { token: tokenOf(tokens) } : {}),
      ...(parses ? { parse: JSON.parse } : {}),
    };
    const connection = connect(url, given);
    watch(name, { connection, table: null, log: [], statuses: [], iterator: null, abort });
  },
  table({ name, url, options }) {
    const abort = new AbortController();
    const rows = table(url, { ...options, signal: abort.signal });
    const { connection } = rows;
    watch(name, { connection, table: rows, log: [], statuses: [], iterator: null, abort });
  },
  /** All events so far. */
  log: ({ name }) => named(name).log,
  state({ name }) {
    const { connection, table: rows, statuses } = named(name);
    const { url, readyState, lastEventId, lastActivity } = connection;
    const state = { url, readyState, lastEventId, lastActivity, statuses };
    return rows === null ? state : { ...state, ...rowsOf(rows) };
  },
  whole: ({ name }) => named(name).table?.whole.then(() => 'whole'),
  close: ({ name }) => named(name).connection.close(),
  closeTable: ({ name }) => named(name).table?.close(),
  abort: ({ name }) => named(name).abort.abort(),
  restart: ({ name }) => named(name).connection.restart(),
  stored: () => Object.fromEntries(stored),
  /** The next events of an iterator, fewer at its end. */
  async take({ name, count }) {
    const one = named(name);
    one.iterator ??= one.connection[Symbol.asyncIterator]();
    const events = [];
    while (events.length < count) {
      const { done, value } = await one.iterator.next();
      if (done) break;
      events.push(lineOf(value));
    }
    return events;
  },
  leave: ({ name }) => named(name).iterator?.return?.(),
  parse({ chunks }) {
    const parser = new BlockParser();
    return chunks.flatMap((chunk) => [...parser.feed(Uint8Array.from(Buffer.from(chunk, 'hex')))]);
  },
  /** The page, or the network, is back. */
  sign: ({ sign }) => void globalThis.dispatchEvent(new Event(sign)),
  look({ isHidden }) {
    Object.assign(globalThis, { document: { visibilityState: isHidden ? 'hidden' : 'visible' } });
    globalThis.dispatchEvent(new Event('visibilitychange'));
  },
  /** As of a device: its timers stand still, and its clock goes on. */
  sleep({ ms }) {
    const { now } = Date;
    Date.now = () => now() + ms;
  },
};

/** @param {string} name @param {Opened} one */
function watch(name, one) {
  opened.set(name, one);
  one.connection.addEventListener('statuschange', () => {
    one.statuses.push((one.table ?? one.connection).status);
  });
  for (const type of [
    'open',
    'message',
    'error',
    'delete',
    'leave',
    'gap',
    'live',
    'stale',
    'fresh',
    'expired',
    'unauthorized',
  ]) {
    one.connection.addEventListener(type, (event) => one.log.push(lineOf(event)));
  }
  for (const type of ['whole', 'change']) {
    one.table?.addEventListener(type, (event) => one.log.push(lineOf(event)));
  }
}

/** @param {Table} rows */
function rowsOf(rows) {
  return { isWhole: rows.isWhole, size: rows.size, entries: [...rows] };
}

/** @param {object} line */
function say(line) {
  const toPlain = (/** @type {string} */ _, /** @type {unknown} */ value) =>
    value instanceof Uint8Array ? { bytes: [...value] } : value;
  process.stdout.write(`${JSON.stringify(line, toPlain)}\n`);
}

say({ id: 0 });
await answerCommands(COMMANDS, say);
process.exit(0);
