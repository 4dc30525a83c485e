/**
 * Where log lines go: stderr, one line an event; JSON for machines, text on a terminal.
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
import type { LogLevel } from '../app/config.ts';

/** Where the lines are written, and whether a person reads them there. */
export interface LogOutput {
  readonly isTerminal: boolean;
  write(line: string): void;
}

const STDERR = 2;

/**
 * Sends what loggers of the category `sse-kafka` and below say to stderr, from `level` up. May be
 * called again to change it. Stacks of errors are logged at `debug` only.
 */
export function configureLogging(
  level: LogLevel,
  output: LogOutput = { isTerminal: isatty(STDERR), write: writeStderr },
): void {
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
        const plain = withPlainValues(record, withStacks);
        output.write(output.isTerminal ? text(withRest(plain)) : json(plain));
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

/** Values in the message without quotes, errors without stacks: a line is for reading. */
function withPlainValues(record: LogRecord, withStacks: boolean): LogRecord {
  const message = record.message
    .map((part, index) => (index % 2 === 0 ? part : valueText(part)))
    .join('');
  const properties = Object.fromEntries(
    Object.entries(record.properties).map(([name, value]) => [
      name,
      value instanceof Error ? errorFields(value, withStacks) : value,
    ]),
  );
  return { ...record, message: [message], properties };
}

/** On a terminal, properties that the message does not name stand behind it. */
function withRest(record: LogRecord): LogRecord {
  const template = String(record.rawMessage);
  const rest = Object.entries(record.properties)
    .filter(([name]) => !template.includes(`{${name}`))
    .map(([name, value]) => ` ${name}=${valueText(value)}`);
  return { ...record, message: [`${record.message[0]}${rest.join('')}`] };
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
const MAX_WAIT_MS = 50;
let isCut = false;

/**
 * Writes at once, so that the lines are in order and the last one before an exit is not lost. A
 * pipe that is full (EAGAIN) is waited for a moment, then the rest of the line is given up;
 * whatever else is wrong with stderr is no reason to end the gateway.
 */
function writeStderr(line: string): void {
  let bytes = encoder.encode(isCut ? `\n${line}` : line);
  const { length } = bytes;
  for (let waited = 0; bytes.length > 0; ) {
    try {
      bytes = bytes.subarray(writeSync(STDERR, bytes));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN' || waited === MAX_WAIT_MS) break;
      Atomics.wait(sleeper, 0, 0, 1);
      waited += 1;
    }
  }
  isCut = bytes.length > 0 && (isCut || bytes.length < length);
}
