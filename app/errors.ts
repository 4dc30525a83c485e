/**
 * The errors that end a start. Callers switch on `code`, never on the message; the message says
 * what to do next.
 *
 * @module
 */

const ERROR_CODES = ['CONFIG', 'CERTIFICATE', 'PORT_IN_USE', 'EMBEDDED_KAFKA', 'WORKER'] as const;

/** What went wrong, for code; the message is for people. */
export type ErrorCode = (typeof ERROR_CODES)[number];

/** Base of all errors that the gateway itself makes. */
export class GatewayError extends Error {
  readonly code: ErrorCode;
  /** What the process ends with when nobody handles the error. */
  readonly exitCode: number = 1;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** One thing that is wrong with the settings. */
export interface ConfigFault {
  /** The setting's name in the environment, or the file that holds settings. */
  readonly setting: string;
  /** What would have been right, as the end of "expected ...". */
  readonly expected: string;
  /** What is wrong, in the place of that, where nothing else was expected. */
  readonly words?: string;
  /** What was given; left out where nothing was, and for secrets. */
  readonly got?: string;
}

/** Every fault of the settings at once, one a line. */
export class ConfigError extends GatewayError {
  readonly faults: readonly ConfigFault[];
  /** EX_CONFIG of sysexits.h. */
  override readonly exitCode = 78;

  constructor(faults: readonly ConfigFault[]) {
    super('CONFIG', faults.map(line).join('\n'));
    this.faults = faults;
  }
}

function line({ setting, expected, words, got }: ConfigFault): string {
  if (words !== undefined) return `${setting}: ${words}`;
  return `${setting}: ${got === undefined ? '' : `got ${quote(got)}, `}expected ${expected}`;
}

const SHOWN_CHARACTERS = 80;

/** In quotes, short, and on one line whatever it holds: a fault must not forge a line of its own. */
function quote(text: string): string {
  const start = text.slice(0, SHOWN_CHARACTERS);
  const escaped = start.replace(/["\\\p{C}\p{Zl}\p{Zp}]/gu, (char) =>
    /["\\]/.test(char) ? `\\${char}` : `\\u{${char.codePointAt(0)!.toString(16)}}`,
  );
  return `"${escaped}"${text.length > SHOWN_CHARACTERS ? ` (${text.length} characters)` : ''}`;
}
