/**
 * The settings of this process: environment and `.env`, with the files that they name looked at.
 *
 * @module
 */

import { readFileSync, statSync } from 'node:fs';
import process from 'node:process';
import { parse } from 'dotenv';
import { type Config, likeSettings, parseConfig, type Runtime } from '../../app/config/config.ts';
import type { StrayName } from '../../app/config/config_names.ts';
import type { ConfigFault } from '../../app/errors.ts';
import { parseCertificates, parsePrivateKey, readPem } from './pem.ts';

/** What a process was told. */
export interface ReadSettings {
  readonly config: Config;
  /** What is no fault and most likely not meant, a line each. */
  readonly warnings: readonly string[];
}

/**
 * Reads the settings. The environment wins over `.env` of the working directory, a variable that
 * is there but empty too. Nothing is written into the environment.
 * @throws ConfigError with every fault of the settings, of `.env` and of the PEM files.
 */
export function readSettings(
  runtime: Runtime,
  env: Readonly<Record<string, string | undefined>> = process.env,
  dotenvFile = '.env',
): ReadSettings {
  const faults: ConfigFault[] = [];
  const merged = { ...readDotenv(dotenvFile, faults), ...env };
  const config = parseConfig(merged, runtime, (config) => [...faults, ...pemFaults(config)]);
  return { config, warnings: likeSettings(merged).map(strayWarning) };
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
  readPair('KAFKA_CERT_FILE', config.kafkaCertFile, 'KAFKA_KEY_FILE', config.kafkaKeyFile);
  readPair('TLS_CERT_FILE', config.tlsCertFile, 'TLS_KEY_FILE', config.tlsKeyFile);
  return faults;
}

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
