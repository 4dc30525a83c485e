/**
 * Runs a RecordSource of any runtime for the contract suite, which itself runs on Node. Commands
 * come on stdin and answers go to stdout, a line of JSON each; it ends after stdin, unless the
 * source holds something open.
 *
 * Plain JavaScript, because Node 20 and Deno both run it as it is.
 *
 * @typedef {{
 *   id: number, command: string, read: number, topic: { name: string, id: string },
 *   partitions: number[], at: 'earliest' | 'latest' | number, from: [number, number][],
 * }} Command
 * @typedef {{ abort: AbortController, isLeft: boolean }} Read
 */

import { Buffer } from 'node:buffer';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { answerCommands } from './answer_commands.mjs';

const [file, brokers] = process.argv.slice(2);
const { ConfluentSource, createPlatformaticSource } = await import(pathToFileURL(file ?? '').href);
const connection = { brokers: brokers?.split(','), tls: null, sasl: null };
/** @type {import('../../app/source.ts').RecordSource} */
const source = createPlatformaticSource?.(connection) ?? new ConfluentSource(connection);

const forever = new AbortController().signal;
/** @type {Map<number, Read>} */
const reads = new Map();

/**
 * What a command does, by its name; what it returns is sent back.
 * @type {Record<string, (command: Command) => unknown>}
 */
const COMMANDS = {
  async describe({ topic }) {
    const description = await source.describe(topic.name, forever);
    return description === null ? null : { ...description, id: hex(description.id) };
  },
  async offsets({ topic, partitions, at }) {
    return [...(await source.offsets(topic.name, partitions, at, forever))];
  },
  status: () => source.status(),
  close: () => source.close(),
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

/** @type {(command: Command, read: Read) => Promise<void>} */
async function pull({ read: id, topic, from }, read) {
  const identity = { name: topic.name, id: new Uint8Array(Buffer.from(topic.id, 'hex')) };
  let error = null;
  try {
    for await (const batch of source.read(identity, new Map(from), read.abort.signal)) {
      say({ read: id, records: batch.records.map(toLine), positions: [...batch.positions] });
      if (read.isLeft) break;
    }
  } catch (thrown) {
    error = String(thrown);
  }
  say({ read: id, ended: true, error });
}

/** @param {import('../../app/source.ts').KafkaRecord} record */
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
