/**
 * The settings of this process: environment and `.env`, with the files that they name looked at.
 *
 * @module
 */

import { readFileSync, statSync } from 'node:fs';
import process from 'node:process';
import { parse } from 'dotenv';
import { parseRight } from '../../app/auth/rights.ts';
import { namedTopics, type StreamsFile, withTopics } from '../../app/channels/streams_file.ts';
import {
  type Config,
  type LogSettings,
  likeSettings,
  parseConfig,
  parseLogSettings,
} from '../../app/config/config.ts';
import type { StrayName } from '../../app/config/config_names.ts';
import {
  isSecretAlgorithm,
  SECRET_BYTES,
  type SecretAlgorithm,
} from '../../app/config/token_algorithms.ts';
import type { ConfigFault } from '../../app/errors.ts';
import { ExpressionError } from '../../app/expressions/expression.ts';
import { parseCertificates, parsePrivateKey, readPem } from './pem.ts';
import { parseStreams, type ReadStreams, readStreams } from './streams_file.ts';

/** The runtimes that the gateway has a way in for. */
export type Runtime = 'node' | 'deno';

/** What a process was told. */
export interface ReadSettings {
  readonly config: Config;
  /** The streams file, and its text; null where there is none. */
  readonly streams: { readonly file: StreamsFile; readonly text: string } | null;
  /** What is no fault and most likely not meant, a line each. */
  readonly warnings: readonly string[];
}

/**
 * Reads the settings. The environment wins over `.env` of the working directory, a variable that
 * is there but empty too. Nothing is written into the environment.
 * @param streamsText what is in the streams file, where another process has read it
 * @throws ConfigError with every fault of the settings, of `.env` and of the PEM files.
 */
export function readSettings(
  runtime: Runtime,
  env: Readonly<Record<string, string | undefined>> = process.env,
  dotenvFile = '.env',
  streamsText: string | null = null,
): ReadSettings {
  const faults: ConfigFault[] = [];
  const merged = { ...readDotenv(dotenvFile, faults), ...env };
  let streams: ReadSettings['streams'] = null;
  const config = parseConfig(merged, (config) => {
    const read = streamsOf(config, streamsText);
    // Once: a file that is written meanwhile would be another the second time.
    if (read !== null && 'file' in read) streams = read;
    return [
      ...faults,
      ...(runtime === 'deno' ? workersFaults(config, merged['WORKERS']) : []),
      ...pemFaults(config),
      ...signInFaults(config),
      ...adminTokenFaults(config),
      ...(read !== null && 'faults' in read ? read.faults : []),
    ];
  });
  const warnings = [
    ...likeSettings(merged).map(strayWarning),
    ...plainAddressWarnings(config),
    ...plainTokenWarnings(config),
  ];
  return { config, streams, warnings };
}

function streamsOf(config: Partial<Config>, text: string | null): ReadStreams | null {
  return text === null ? readStreams(config) : parseStreams(config, text);
}

/** All topics that are read: those of the settings and those of the streams file. */
export function topicsOf({ config, streams }: ReadSettings): string[] {
  const served = streams === null ? [] : withTopics(config.topics, streams.file);
  const named = served.flatMap(namedTopics).map(({ topic }) => topic);
  return [...new Set(streams === null ? config.topics : named)];
}

/** Whoever stands between could let anybody in. */
function plainAddressWarnings(config: Config): string[] {
  const { jwtIssuer, jwtJwksUrl, jwtKeysFile, jwtSecretFile, signInUrl } = config;
  const hasOtherKeys = [jwtJwksUrl, jwtKeysFile, jwtSecretFile].some((source) => source !== null);
  return Object.entries({
    JWT_ISSUER: hasOtherKeys ? null : jwtIssuer,
    JWT_JWKS_URL: jwtJwksUrl,
    SIGN_IN_URL: signInUrl,
  })
    .filter(([, address]) => isPlain(address))
    .map(([name]) => `${name} is asked without TLS: whoever is in between can let anybody in`);
}

function isPlain(address: string | null): boolean {
  return address !== null && /^http:/i.test(address) && !isLoopback(new URL(address));
}

/** A token is all that it takes to sign in. */
function plainTokenWarnings(config: Config): string[] {
  const { kafkaSaslMechanism, kafkaTls, kafkaOauthTokenUrl, registryUrl, registryUsername } =
    config;
  const warnings: string[] = [];
  if (kafkaSaslMechanism !== 'OAUTHBEARER') return warnings;
  if (!kafkaTls) {
    warnings.push('KAFKA_TLS is false: whoever is in between can read the tokens for the brokers');
  }
  if (isPlain(kafkaOauthTokenUrl)) {
    warnings.push(
      'KAFKA_OAUTH_TOKEN_URL is asked without TLS: whoever is in between can read secret and tokens',
    );
  }
  if (registryUsername === null && isPlain(registryUrl)) {
    warnings.push(
      'REGISTRY_URL is asked without TLS: whoever is in between can read the tokens for the brokers',
    );
  }
  return warnings;
}

function isLoopback({ hostname }: URL): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.');
}

/** How to log, known before all else: what is wrong with the settings is logged. */
export function readLogSettings(
  env: Readonly<Record<string, string | undefined>> = process.env,
  dotenvFile = '.env',
): LogSettings {
  return parseLogSettings({ ...readDotenv(dotenvFile, []), ...env });
}

function strayWarning({ name, likely }: StrayName): string {
  const meant = likely === null ? '' : `; did you mean ${likely}?`;
  return `${name} is no setting and is passed over${meant} (docs/settings.md lists them)`;
}

/** dotenv on both runtimes: Deno's `--env-file` expands `pa$sw` to `pa`. */
function readDotenv(file: string, faults: ConfigFault[]): Record<string, string> {
  try {
    return parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if (reason(error) !== 'ENOENT') {
      faults.push({ setting: '.env', expected: `a file that can be read (${reason(error)})` });
    }
    return {};
  }
}

function workersFaults({ workers }: Partial<Config>, got = ''): ConfigFault[] {
  if (workers === undefined || workers === 1) return [];
  const expected = '1 on Deno: only Node shares ports between processes';
  return [{ setting: 'WORKERS', expected, got }];
}

function pemFaults(config: Partial<Config>): ConfigFault[] {
  const faults: ConfigFault[] = [];

  function read<T>(
    setting: string,
    file: string | null | undefined,
    what: string,
    parsePem: (pem: string) => T | null,
  ): T | null {
    if (!file) return null; // unset, or at fault already
    try {
      const parsed = parsePem(readPemFile(file));
      if (parsed === null) faults.push({ setting, expected: `a PEM file with ${what}`, got: file });
      return parsed;
    } catch (error) {
      faults.push({ setting, expected: `a file that can be read (${reason(error)})`, got: file });
      return null;
    }
  }

  function readPair(
    certSetting: string,
    certFile: string | null | undefined,
    keySetting: string,
    keyFile: string | null | undefined,
  ): void {
    const certs = read(certSetting, certFile, 'certificates', parseCertificates);
    const key = read(keySetting, keyFile, 'a private key without passphrase', parsePrivateKey);
    if (certs === null || key === null || certs[0].checkPrivateKey(key)) return;
    const expected = `the key of the first certificate in ${certSetting}`;
    faults.push({ setting: keySetting, expected, got: keyFile! });
  }

  read('KAFKA_CA_FILE', config.kafkaCaFile, 'certificates', parseCertificates);
  read('CA_FILE', config.caFile, 'certificates', parseCertificates);
  readPair('KAFKA_CERT_FILE', config.kafkaCertFile, 'KAFKA_KEY_FILE', config.kafkaKeyFile);
  readPair('TLS_CERT_FILE', config.tlsCertFile, 'TLS_KEY_FILE', config.tlsKeyFile);
  return faults;
}

/** A fault where it cannot be read. @returns how many bytes stand in a file that is set */
function lengthOf(
  setting: string,
  file: string | null | undefined,
  faults: ConfigFault[],
): number | null {
  if (!file) return null;
  try {
    // A line end is left by whatever wrote the file; in latin1 a byte is a character.
    return readPlainFile(file).replace(/[\r\n]+$/, '').length;
  } catch (error) {
    faults.push({ setting, expected: `a file that can be read (${reason(error)})`, got: file });
    return null;
  }
}

function adminTokenFaults({ adminTokenFile }: Partial<Config>): ConfigFault[] {
  const setting = 'ADMIN_TOKEN_FILE';
  const faults: ConfigFault[] = [];
  if (lengthOf(setting, adminTokenFile, faults) === 0) {
    faults.push({ setting, expected: 'a file with a token', got: adminTokenFile! });
  }
  return faults;
}

function signInFaults(config: Partial<Config>): ConfigFault[] {
  const { jwtKeysFile, jwtSecretFile, jwtAlgorithms, require: right } = config;
  const faults: ConfigFault[] = [];
  if (lengthOf('JWT_KEYS_FILE', jwtKeysFile, faults) === 0) {
    faults.push({ setting: 'JWT_KEYS_FILE', expected: 'a file with keys', got: jwtKeysFile! });
  }
  const secretLength = lengthOf('JWT_SECRET_FILE', jwtSecretFile, faults);
  const named = (jwtAlgorithms ?? ['HS256']).filter(isSecretAlgorithm);
  const least = Math.max(0, ...named.map((name: SecretAlgorithm) => SECRET_BYTES[name]));
  if (secretLength !== null && secretLength < least) {
    const expected = `a secret of at least ${least} bytes (it has ${secretLength})`;
    faults.push({ setting: 'JWT_SECRET_FILE', expected });
  }
  if (right) faults.push(...rightFaults(right));
  return faults;
}

/** @throws the system's error, or that it is no file or too large. */
function readPlainFile(file: string): string {
  const stat = statSync(file);
  if (!stat.isFile() || stat.size > MAX_KEY_FILE_BYTES) {
    throw Object.assign(new Error(), { code: `no file of at most ${MAX_KEY_FILE_BYTES} bytes` });
  }
  return readFileSync(file, 'latin1');
}

function rightFaults(right: string): ConfigFault[] {
  try {
    parseRight(right);
    return [];
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    const { line, column, message } = error;
    const expected = `an expression; line ${line}, column ${column}: ${message}`;
    return [{ setting: 'REQUIRE', expected, got: right }];
  }
}

const MAX_KEY_FILE_BYTES = 2 ** 20;
/** More than any bundle of authorities: a start must not read `/dev/zero` to its end. */
const MAX_PEM_BYTES = 4 * 2 ** 20;

function readPemFile(file: string): string {
  const stat = statSync(file);
  // A pipe would be empty when the Kafka client reads it once more.
  return stat.isFile() && stat.size <= MAX_PEM_BYTES ? readPem(file) : '';
}

/** The system's word for it, `ENOENT`; where Deno refuses by its own rules, the error's name. */
function reason(error: unknown): string {
  const { code, name } = error as NodeJS.ErrnoException;
  return code ?? name;
}
