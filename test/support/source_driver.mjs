/**
 * Runs RecordSources of any runtime for the contract suite, which itself runs on Node. Commands
 * come on stdin and answers go to stdout, a line of JSON each; it ends after stdin, unless a
 * source holds something open.
 *
 * Plain JavaScript, because Node 20 and Deno both run it as it is.
 *
 * @typedef {{
 *   id: number, command: string, source: number, read: number,
 *   env: Readonly<Record<string, string>>, topic: { name: string, id: string },
 *   partitions: number[], at: 'earliest' | 'latest' | number, from: [number, number][],
 * }} Command
 * @typedef {{ abort: AbortController, isLeft: boolean }} Read
 */

import { Buffer } from 'node:buffer';
import { extname } from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { answerCommands } from './answer_commands.mjs';

const [file = '', ...level] = process.argv.slice(2);
const { ConfluentSource, createPlatformaticSource } = await import(pathToFileURL(file).href);
if (level.length > 0) (await beside('../../process/logging')).configureLogging(level[0]);

/** @type {Map<number, import('../../app/ports/source.ts').RecordSource>} */
const sources = new Map();

const forever = new AbortController().signal;
/** @type {Map<number, Read>} */
const reads = new Map();

/**
 * What a command does, by its name; what it returns is sent back.
 * @type {Record<string, (command: Command) => unknown>}
 */
const COMMANDS = {
  /** As a gateway does it that has these settings. */
  async open({ source, env }) {
    const { readSettings } = await beside('../../process/settings');
    const { kafkaConnection } = await beside('../brokers/kafka_connection');
    const { config } = readSettings(ConfluentSource ? 'node' : 'deno', env, '/dev/null');
    const connection = kafkaConnection(config);
    sources.set(source, createPlatformaticSource?.(connection) ?? new ConfluentSource(connection));
  },
  async describe({ source, topic }) {
    const description = await of(source).describe(topic.name, forever);
    return description === null ? null : { ...description, id: hex(description.id) };
  },
  async offsets({ source, topic, partitions, at }) {
    return [...(await of(source).offsets(topic.name, partitions, at, forever))];
  },
  status: ({ source }) => of(source).status(),
  close: ({ source }) => of(source).close(),
  /** Its batches come in lines of their own, until it ends. */
  read(command) {
    const read = { abort: new AbortController(), isLeft: false };
    reads.set(command.read, read);
    void pull(command, read);
  },
  /** Takes the next batch for the last. */
  leave({ read }) {
    const one = /** @type {Read} */ (reads.get(read));
    one.isLeft = true;
  },
  abort: ({ read }) => reads.get(read)?.abort.abort(),
};

/**
 * A module of the gateway, by its path from the adapter's.
 *
 * @param {string} path
 */
function beside(path) {
  return import(new URL(`${path}${extname(file)}`, pathToFileURL(file)).href);
}

/** @param {number} source */
function of(source) {
  return /** @type {import('../../app/ports/source.ts').RecordSource} */ (sources.get(source));
}

/** @type {(command: Command, read: Read) => Promise<void>} */
async function pull({ source, read: id, topic, from }, read) {
  const identity = { name: topic.name, id: new Uint8Array(Buffer.from(topic.id, 'hex')) };
  let error = null;
  try {
    for await (const batch of of(source).read(identity, new Map(from), read.abort.signal)) {
      say({ read: id, records: batch.records.map(toLine), positions: [...batch.positions] });
      if (read.isLeft) break;
    }
  } catch (thrown) {
    error = String(thrown);
  }
  say({ read: id, ended: true, error });
}

/** @param {import('../../app/ports/source.ts').KafkaRecord} record */
function toLine({ key, value, headers, ...rest }) {
  const pairs = headers.map(([name, header]) => [name, hex(header)]);
  return { ...rest, key: hex(key), value: hex(value), headers: pairs };
}

/** @param {Uint8Array | null} bytes */
function hex(bytes) {
  return bytes === null ? null : Buffer.from(bytes).toString('hex');
}

/** @param {object} line */
function say(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

say({ pid: process.pid });
await answerCommands(COMMANDS, say);
