/**
 * Where log lines go: stderr, one line an event; JSON for machines, text for people.
 *
 * @module
 */

import { writeSync } from 'node:fs';
import { isatty } from 'node:tty';
import { inspect } from 'node:util';
import {
  configureSync,
  getJsonLinesFormatter,
  getTextFormatter,
  type LogRecord,
} from '@logtape/logtape';
import type { LogSettings } from '../../app/config/config.ts';

/** Where the lines are written, and whether a person reads them there. */
export interface LogOutput {
  readonly isTerminal: boolean;
  write(line: string): void;
}

const STDERR = 2;

/**
 * Sends what loggers of the category `sse-kafka` and below say to stderr, from a level up. May be
 * called again to change it. Stacks of errors are fields of the JSON at `debug` only.
 */
export function configureLogging(
  { logLevel: level, logFormat }: LogSettings,
  output: LogOutput = { isTerminal: isatty(STDERR), write: writeStderr },
): void {
  const isText = logFormat === 'auto' ? output.isTerminal : logFormat === 'text';
  const withStacks = level === 'debug';
  const json = getJsonLinesFormatter({ properties: 'flatten' });
  const text = getTextFormatter({
    timestamp: 'time',
    timeZone: null,
    level: 'FULL',
    sanitize: { sgr: 'escape', newlines: 'escape' },
    format: ({ timestamp, level, message }) => `${timestamp} ${level.padEnd(7)} ${message}`,
  });
  configureSync({
    reset: true,
    sinks: {
      stderr: (record) => {
        output.write(isText ? text(withRest(record)) : json(withFields(record, withStacks)));
      },
    },
    loggers: [
      {
        category: ['sse-kafka'],
        sinks: ['stderr'],
        lowestLevel: level === 'warn' ? 'warning' : level,
      },
      { category: ['logtape', 'meta'], sinks: ['stderr'], lowestLevel: 'warning' },
    ],
  });
}

/** The message with its values, strings without quotes: a line is for reading. */
function messageText(record: LogRecord): string {
  return record.message.map((part, index) => (index % 2 === 0 ? part : valueText(part))).join('');
}

/** Those that every line has: a property of such a name would take their place. */
const FIELDS: ReadonlySet<string> = new Set(['@timestamp', 'level', 'message', 'logger']);

/** For a machine: each property a field. */
function withFields(record: LogRecord, withStacks: boolean): LogRecord {
  const properties = Object.entries(record.properties).map(([name, value]) => [
    FIELDS.has(name) ? `${name}_` : name,
    value instanceof Error ? errorFields(value, withStacks) : value,
  ]);
  return {
    ...record,
    message: [messageText(record)],
    properties: Object.fromEntries(properties),
  };
}

/** For a person: properties that the message does not name stand behind it. */
function withRest(record: LogRecord): LogRecord {
  const template = String(record.rawMessage);
  const rest = Object.entries(record.properties)
    .filter(([name]) => !template.includes(`{${name}`))
    .map(([name, value]) => ` ${name}=${valueText(value)}`);
  return { ...record, message: [`${messageText(record)}${rest.join('')}`] };
}

function valueText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value instanceof Error) return errorText(value);
  return inspect(value, { breakLength: Number.POSITIVE_INFINITY, compact: true });
}

/** A refused connection to `localhost` is an AggregateError that has no message of its own. */
function errorText(error: Error): string {
  if (error.message !== '' || !(error instanceof AggregateError)) return error.message;
  return error.errors.map((each) => (each instanceof Error ? each.message : each)).join('; ');
}

function errorFields(error: Error, withStacks: boolean, depth = 0): Record<string, unknown> {
  const { name, stack, cause } = error;
  const { code } = error as NodeJS.ErrnoException;
  return {
    name,
    message: errorText(error),
    ...(code === undefined ? {} : { code }),
    ...(withStacks ? { stack } : {}),
    // Causes may form a ring.
    ...(cause instanceof Error && depth < 4
      ? { cause: errorFields(cause, withStacks, depth + 1) }
      : {}),
  };
}

const encoder = new TextEncoder();
const sleeper = new Int32Array(new SharedArrayBuffer(4));
const MAX_WAIT_MS = 1000;
/** Whether the last line could not be written, and whether a part of a line stands alone. */
let isStuck = false;
let isCut = false;

/**
 * Writes at once, so that lines are in order and the last one before an exit is not lost. A pipe
 * that is full (EAGAIN) is waited for once, then lines are dropped until it takes one again;
 * whatever else is wrong with stderr is no reason to end the gateway. (Where the pipe blocks, as
 * one made by a shell does, a reader that stops reading stops the gateway.)
 */
function writeStderr(line: string): void {
  const whole = encoder.encode(isCut ? `\n${line}` : line);
  let rest = whole;
  let mayWaitMs = isStuck ? 0 : MAX_WAIT_MS;
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(STDERR, rest));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN' || mayWaitMs === 0) break;
      Atomics.wait(sleeper, 0, 0, 1);
      mayWaitMs -= 1;
    }
  }
  isStuck = rest.length > 0;
  isCut = isStuck && (isCut || rest.length < whole.length);
}
