/**
 * The streams file of this process: read at the start, and again when it changes.
 *
 * @module
 */

import { readFileSync, statSync } from 'node:fs';
import { getLogger } from '@logtape/logtape';
import {
  parseStreamsFile,
  type StreamsFile,
  StreamsFileError,
} from '../../app/channels/streams_file.ts';
import type { Config } from '../../app/config/config.ts';
import type { ConfigFault } from '../../app/errors.ts';

const logger = getLogger(['sse-kafka']);

const LOOK_MS = 500;
/** A file that is being written is a valid one without its end, and without its rights. */
const SETTLED_MS = 1000;
const MAX_BYTES = 2 ** 20;

type Settings = Pick<Config, 'streamsFile' | 'jwtIssuer' | 'signInUrl' | 'registryUrl'>;

/** What a file says, or all that is wrong with it. */
export type ReadStreams =
  | { readonly file: StreamsFile; readonly text: string }
  | { readonly faults: readonly ConfigFault[] };

/** Reads the streams file; null where there is none. */
export function readStreams(settings: Partial<Settings>): ReadStreams | null {
  const { streamsFile } = settings;
  if (!streamsFile) return null;
  try {
    return parseStreams(settings, readText(streamsFile));
  } catch (error) {
    const { code, name } = error as NodeJS.ErrnoException;
    const expected = `a file that can be read (${code ?? name})`;
    return { faults: [{ setting: 'STREAMS_FILE', expected, got: streamsFile }] };
  }
}

/** What the text of a streams file says. */
export function parseStreams(settings: Partial<Settings>, text: string): ReadStreams {
  const hasSignIn = Boolean(settings.jwtIssuer ?? settings.signInUrl);
  try {
    return { file: parseStreamsFile(text, hasSignIn, Boolean(settings.registryUrl)), text };
  } catch (error) {
    if (!(error instanceof StreamsFileError)) throw error;
    const name = settings.streamsFile ?? 'STREAMS_FILE';
    const faults = error.faults.map(({ line, column, message }) => ({
      setting: `${name}:${line}:${column}`,
      expected: '',
      words: message,
    }));
    return { faults };
  }
}

function readText(file: string): string {
  const { size } = statSync(file);
  if (size > MAX_BYTES) throw Object.assign(new Error(), { code: `more than ${MAX_BYTES} bytes` });
  return readFileSync(file, 'utf8');
}

/** What comes of a file that was read again. */
export interface StreamsReader {
  /** It is right: its text. */
  changed(text: string): void;
  faulty(): void;
}

/**
 * Reads the streams file again once it has changed, also behind a link that is swapped, and has stood
 * for a second. A faulty one is logged, and the one before stays.
 */
export class StreamsWatch {
  readonly #settings: Settings;
  readonly #reader: StreamsReader;
  #text: string;
  /** What the file looked like when it was last read, and since when it looks as it does. */
  #read: string;
  #seen: string;
  #since = performance.now();
  readonly #timer: ReturnType<typeof setInterval>;

  /** @param text what is served now */
  constructor(settings: Settings, text: string, reader: StreamsReader) {
    this.#settings = settings;
    this.#text = text;
    this.#reader = reader;
    this.#read = this.#look();
    this.#seen = this.#read;
    this.#timer = setInterval(() => this.#lookAgain(), LOOK_MS).unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** Reads it at once: somebody says that it is whole. */
  reload(): void {
    this.#read = this.#look();
    const read = readStreams(this.#settings)!;
    if ('faults' in read) {
      const faults = read.faults.map(
        ({ setting, words, expected }) => `${setting}: ${words ?? `expected ${expected}`}`,
      );
      logger.error('The streams file is at fault, the one before stays: {faults}', {
        faults: faults.join('; '),
      });
      this.#reader.faulty();
      return;
    }
    if (read.text !== this.#text) logger.info('The streams file was read again');
    this.#text = read.text;
    this.#reader.changed(read.text);
  }

  #lookAgain(): void {
    const look = this.#look();
    const now = performance.now();
    if (look !== this.#seen) {
      this.#seen = look;
      this.#since = now;
    } else if (look !== this.#read && now - this.#since >= SETTLED_MS) {
      this.reload();
    }
  }

  #look(): string {
    try {
      const { ino, mtimeMs, ctimeMs, size } = statSync(this.#settings.streamsFile!);
      return [ino, mtimeMs, ctimeMs, size].join();
    } catch (error) {
      return String((error as NodeJS.ErrnoException).code);
    }
  }
}
