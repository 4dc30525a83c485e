/**
 * Every setting: its name, unit, default and meaning. Parsed once at the start, all faults told
 * together; what comes out is frozen and never doubted again.
 *
 * A new setting is a new line in `SETTINGS` and in `.env.example`.
 *
 * @module
 */

import { z } from 'zod';
import { ConfigError, type ConfigFault } from '../errors.ts';
import { type StrayName, strangersToSignIn, strayNames } from './config_names.ts';
import {
  connections,
  cookieName,
  entries,
  file,
  flag,
  host,
  hostPort,
  list,
  oauthExtensions,
  oauthParameters,
  origins,
  PEM_CONTENT,
  pemFile,
  port,
  seconds,
  topic,
  webAddress,
  whole,
  workers,
} from './config_values.ts';
import { AWS_NAMES, kafkaSignInTogether, SASL_MECHANISMS } from './kafka_sign_in.ts';
import { signInTogether } from './sign_in_settings.ts';
import { ASYMMETRIC_ALGORITHMS, SECRET_ALGORITHMS } from './token_algorithms.ts';

/** What stands in the environment, by name; an empty value is not there. */
type Given = ReadonlyMap<string, string>;

interface Setting {
  readonly name: string;
  /** As it would stand in the environment; `null` where the setting is then unset. */
  readonly default: string | null | ((given: Given) => string);
  readonly schema: z.ZodType<unknown, string>;
  /** Taken as it is and never shown. */
  readonly secret?: true;
}

export const SETTINGS = {
  /** Brokers to ask first, `host:port` or `[IPv6]:port`; null: the embedded Kafka is started. */
  kafkaBrokers: { name: 'KAFKA_BROKERS', default: null, schema: list(hostPort) },
  /** Port of the embedded Kafka on localhost; 0: there is none, as in the images. */
  embeddedKafkaPort: { name: 'EMBEDDED_KAFKA_PORT', default: '9092', schema: port },
  /** Whether the brokers are spoken to over TLS. */
  kafkaTls: { name: 'KAFKA_TLS', default: 'false', schema: flag },
  /** PEM file of the authorities that sign the brokers' certificates; null: the public ones. */
  kafkaCaFile: { name: 'KAFKA_CA_FILE', default: null, schema: pemFile },
  /** PEM file of the gateway's own certificate for the brokers. Needs `KAFKA_KEY_FILE`. */
  kafkaCertFile: { name: 'KAFKA_CERT_FILE', default: null, schema: pemFile },
  /** PEM file of the key of `KAFKA_CERT_FILE`. */
  kafkaKeyFile: { name: 'KAFKA_KEY_FILE', default: null, schema: pemFile },
  /** How the gateway signs in to the brokers; null: not at all. */
  kafkaSaslMechanism: {
    name: 'KAFKA_SASL_MECHANISM',
    default: null,
    schema: z.enum(SASL_MECHANISMS, `one of ${SASL_MECHANISMS.join(', ')}`),
  },
  /** Name to sign in with. */
  kafkaUsername: { name: 'KAFKA_USERNAME', default: null, schema: z.string(), secret: true },
  /** Password to sign in with. */
  kafkaPassword: { name: 'KAFKA_PASSWORD', default: null, schema: z.string(), secret: true },
  /** Where tokens for the brokers are asked for, as a client in its own name (RFC 6749, 4.4). */
  kafkaOauthTokenUrl: { name: 'KAFKA_OAUTH_TOKEN_URL', default: null, schema: webAddress },
  /** That client's name. */
  kafkaOauthClientId: { name: 'KAFKA_OAUTH_CLIENT_ID', default: null, schema: z.string() },
  /** That client's secret. */
  kafkaOauthClientSecret: {
    name: 'KAFKA_OAUTH_CLIENT_SECRET',
    default: null,
    schema: z.string(),
    secret: true,
  },
  /** File of a JWT that stands for the secret (RFC 7523); read each time. */
  kafkaOauthAssertionFile: { name: 'KAFKA_OAUTH_ASSERTION_FILE', default: null, schema: file },
  /** What else is sent, as `scope` and `audience`. */
  kafkaOauthParameters: {
    name: 'KAFKA_OAUTH_PARAMETERS',
    default: null,
    schema: oauthParameters,
    secret: true,
  },
  /** What is told the brokers beside the token. */
  kafkaOauthExtensions: {
    name: 'KAFKA_OAUTH_EXTENSIONS',
    default: null,
    schema: oauthExtensions,
    secret: true,
  },
  /** File of a token that something else keeps fresh. */
  kafkaOauthTokenFile: { name: 'KAFKA_OAUTH_TOKEN_FILE', default: null, schema: file },
  /** Region of AWS that the brokers stand in. */
  awsRegion: { name: 'AWS_REGION', default: null, schema: z.string() },
  /** The zone of this gateway, as `broker.rack` names it: records are read from a replica there. */
  kafkaRack: { name: 'KAFKA_RACK', default: null, schema: z.string() },
  /** Topics to serve, each at `/<topic>`. */
  topics: { name: 'TOPICS', default: 'events', schema: list(topic) },
  /** YAML file of streams with paths and rights of their own. */
  streamsFile: { name: 'STREAMS_FILE', default: null, schema: file },
  /**
   * Address that HTTP and HTTPS listen on: only this machine's with the embedded Kafka, else every
   * one. `localhost` and `::` are IPv6 and IPv4, where the machine has both.
   */
  host: { name: 'HOST', default: defaultHost, schema: host },
  /** Address that the admin listener listens on; as `HOST`. */
  adminHost: {
    name: 'ADMIN_HOST',
    default: (given) => given.get('HOST') ?? defaultHost(given),
    schema: host,
  },
  /** Port of HTTP/1.1; 0: off. */
  httpPort: { name: 'HTTP_PORT', default: '8080', schema: port },
  /** Port of HTTPS, HTTP/2 and HTTP/1.1; 0: off. */
  httpsPort: { name: 'HTTPS_PORT', default: '9090', schema: port },
  /** Port of health and metrics; 0: off. */
  adminPort: { name: 'ADMIN_PORT', default: '9091', schema: port },
  /** File of the token that `/clients` on the admin port asks for; null: there is no `/clients`. */
  adminTokenFile: { name: 'ADMIN_TOKEN_FILE', default: null, schema: file },
  /** PEM file of the certificate for HTTPS; null: a self-signed one for localhost. */
  tlsCertFile: { name: 'TLS_CERT_FILE', default: null, schema: pemFile },
  /** PEM file of the key of `TLS_CERT_FILE`. */
  tlsKeyFile: { name: 'TLS_KEY_FILE', default: null, schema: pemFile },
  /** Whose pages may read the streams: `*` for all, or origins as browsers send them. */
  corsOrigins: { name: 'CORS_ORIGINS', default: '*', schema: origins },
  /** Seconds of silence on a stream after which a comment line is sent; 0: off. */
  heartbeatSeconds: { name: 'HEARTBEAT_SECONDS', default: '15', schema: seconds },
  /** Seconds after which a stream ends, less a random 0-20 %; 0: off. */
  maxAgeSeconds: { name: 'MAX_AGE_SECONDS', default: '0', schema: seconds },
  /** Seconds without a byte taken after which a client is cut that has some to take; 0: off. */
  stallSeconds: { name: 'STALL_SECONDS', default: '30', schema: seconds },
  /** Streams open at once, over all workers; 0: no limit. */
  maxConnections: { name: 'MAX_CONNECTIONS', default: '10000', schema: connections },
  /** Streams open at once from one client address; 0: no limit. */
  maxConnectionsPerIp: { name: 'MAX_CONNECTIONS_PER_IP', default: '0', schema: connections },
  /** Whether a client's address is the last entry of `X-Forwarded-For`. */
  trustProxy: { name: 'TRUST_PROXY', default: 'false', schema: flag },
  /** Who makes the tokens, as their `iss` has it, byte for byte; null: everybody may read. */
  jwtIssuer: { name: 'JWT_ISSUER', default: null, schema: z.string() },
  /** Whom the tokens are for: one of these in `aud`. */
  jwtAudience: { name: 'JWT_AUDIENCE', default: null, schema: list(z.string().min(1, 'a name')) },
  /** Where the issuer's keys are; null: as the issuer says itself, or in one of the files. */
  jwtJwksUrl: { name: 'JWT_JWKS_URL', default: null, schema: webAddress },
  /** File of the issuer's keys, JWKS or PEM. */
  jwtKeysFile: { name: 'JWT_KEYS_FILE', default: null, schema: file },
  /** File of a secret that the tokens are signed with. */
  jwtSecretFile: { name: 'JWT_SECRET_FILE', default: null, schema: file },
  /** Algorithms that are taken; null: all of one key or, with a secret, those of a secret. */
  jwtAlgorithms: {
    name: 'JWT_ALGORITHMS',
    default: null,
    schema: list(
      z.enum(
        [...ASYMMETRIC_ALGORITHMS, ...SECRET_ALGORITHMS],
        `some of ${[...ASYMMETRIC_ALGORITHMS, ...SECRET_ALGORITHMS].join(', ')}`,
      ),
    ),
  },
  /** Cookie of the application that has the token; null: the gateway's own, by `/-/sign-in`. */
  jwtCookie: { name: 'JWT_COOKIE', default: null, schema: cookieName },
  /** Whether a token is taken from `?access_token=`. */
  jwtQuery: { name: 'JWT_QUERY', default: 'false', schema: flag },
  /** The application that is asked who somebody is; null: tokens are looked at, or nobody is asked. */
  signInUrl: { name: 'SIGN_IN_URL', default: null, schema: webAddress },
  /** What has to hold for every topic and stream, as CEL; null: whoever is signed in may read. */
  require: { name: 'REQUIRE', default: null, schema: z.string() },
  /** Address of the schema registry; null: no values are read by one. */
  registryUrl: { name: 'REGISTRY_URL', default: null, schema: webAddress },
  /** Name to sign in to the registry with. */
  registryUsername: {
    name: 'REGISTRY_USERNAME',
    default: null,
    schema: z.string(),
    secret: true,
  },
  /** Password to sign in to the registry with. */
  registryPassword: {
    name: 'REGISTRY_PASSWORD',
    default: null,
    schema: z.string(),
    secret: true,
  },
  /** Seconds for which a topic waits for an unknown schema while the registry does not answer. */
  registryWaitSeconds: { name: 'REGISTRY_WAIT_SECONDS', default: '30', schema: seconds },
  /** PEM file of own authorities of all that the gateway asks over HTTPS. */
  caFile: { name: 'CA_FILE', default: null, schema: pemFile },
  /** Megabytes (2^20 bytes) of records kept in memory for one topic, in each worker. */
  feedMemoryMb: { name: 'FEED_MEMORY_MB', default: '64', schema: whole(1, 1_048_576) },
  /** Shapes of clients' filters that are open at once for one topic, in each worker; and as many of other filters. */
  maxScannedViews: { name: 'MAX_SCANNED_VIEWS', default: '200', schema: whole(0, 10_000) },
  /** Whether streams are compressed for clients that take it. */
  compression: {
    name: 'COMPRESSION',
    default: 'off',
    schema: z.enum(['off', 'gzip'], 'off or gzip'),
  },
  /** Seconds over which the streams end after SIGTERM; 0: all at once. */
  drainSeconds: { name: 'DRAIN_SECONDS', default: '10', schema: seconds },
  /** Processes that share the ports, on Node; `auto`: one a core. */
  workers: { name: 'WORKERS', default: '1', schema: workers },
  /** The least level that is logged. */
  logLevel: {
    name: 'LOG_LEVEL',
    default: 'info',
    schema: z.enum(['debug', 'info', 'warn', 'error'], 'debug, info, warn or error'),
  },
  /** How a line of the log looks; `auto`: text on a terminal, else JSON. */
  logFormat: {
    name: 'LOG_FORMAT',
    default: 'auto',
    schema: z.enum(['text', 'json', 'auto'], 'text, json or auto'),
  },
} as const satisfies Record<string, Setting>;

type Settings = typeof SETTINGS;
type Unset<S extends Setting> = S['default'] extends null ? null : never;

/** The settings of one gateway, frozen; `0` is off. Meaning and units stand in `SETTINGS`. */
export type Config = {
  readonly [Key in keyof Settings]: z.output<Settings[Key]['schema']> | Unset<Settings[Key]>;
} & {
  /** What stands in the environment for AWS, by name. */
  readonly aws: Readonly<Record<string, string>>;
};

export type LogLevel = Config['logLevel'];
export type LogSettings = Pick<Config, 'logLevel' | 'logFormat'>;

const NAMES = Object.values<Setting>(SETTINGS).map(({ name }) => name);

/** What stands in an environment like a setting and is none, so that it counts for nothing. */
export function likeSettings(env: Readonly<Record<string, string | undefined>>): StrayName[] {
  return strayNames(env, NAMES);
}

function defaultHost(given: Given): string {
  return given.has('KAFKA_BROKERS') ? '::' : 'localhost';
}

/**
 * Reads the settings out of an environment; names that are no setting are passed over.
 *
 * `moreFaults` is for what only a runtime can check (files, workers); it gets the settings that are right
 * so far, and what it finds is told together with the rest.
 * @throws ConfigError with every fault.
 */
export function parseConfig(
  env: Readonly<Record<string, string | undefined>>,
  moreFaults: (config: Partial<Config>) => readonly ConfigFault[] = () => [],
): Config {
  const given = readGiven(env);
  const faults: ConfigFault[] = [];
  const values: Record<string, unknown> = {};
  for (const [key, setting] of Object.entries<Setting>(SETTINGS)) {
    const text = given.get(setting.name) ?? defaultText(setting, given);
    if (text === null) {
      values[key] = null;
      continue;
    }
    const { success, data, error } = setting.schema.safeParse(text);
    if (success) values[key] = data;
    // A default that is wrong was copied from another setting, which has its own fault.
    else if (given.has(setting.name)) faults.push(...valueFaults(setting, text, error.issues));
  }
  // With a streams file there may be none beside its own.
  if (given.has('STREAMS_FILE') && !given.has('TOPICS')) values['topics'] = [];
  values['aws'] = awsOf(env);
  const config = values as Partial<Config>;
  faults.push(
    ...strangersToSignIn(env, NAMES),
    ...signInTogether((name) => given.has(name), config),
  );
  faults.push(
    ...kafkaSignInTogether(
      given.get('KAFKA_SASL_MECHANISM'),
      (name) => given.has(name),
      config.kafkaTls,
    ),
  );
  faults.push(...togetherFaults(given), ...listenerFaults(given, config));
  if (config.kafkaBrokers === null && config.embeddedKafkaPort === 0) {
    const expected = 'host:port,... (EMBEDDED_KAFKA_PORT=0 turns the embedded Kafka off)';
    faults.push(fault('KAFKA_BROKERS', expected, given));
  }
  faults.push(...moreFaults(config));
  if (faults.length > 0) throw new ConfigError(faults);
  return Object.freeze(config as Config);
}

function awsOf(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    AWS_NAMES.flatMap((name) => {
      const text = env[name]?.trim() ?? '';
      return text === '' ? [] : [[name, text]];
    }),
  );
}

/** How to log, by its default where that is at fault: faults are told so, too. */
export function parseLogSettings(env: Readonly<Record<string, string | undefined>>): LogSettings {
  const given = readGiven(env);
  const { logLevel, logFormat } = SETTINGS;
  return {
    logLevel: logLevel.schema.catch(logLevel.default).parse(given.get(logLevel.name)),
    logFormat: logFormat.schema.catch(logFormat.default).parse(given.get(logFormat.name)),
  };
}

function readGiven(env: Readonly<Record<string, string | undefined>>): Given {
  const given = new Map<string, string>();
  for (const { name, secret } of Object.values<Setting>(SETTINGS)) {
    const text = env[name] ?? '';
    if (text.trim() === '') continue;
    // A password may begin or end with a space; a line end is left by whatever wrote the secret.
    given.set(name, secret ? text.replace(/[\r\n]+$/, '') : text.trim());
  }
  return given;
}

function defaultText(setting: Setting, given: Given): string | null {
  return typeof setting.default === 'function' ? setting.default(given) : setting.default;
}

/** One fault for each wrong entry of a list, else one. */
function valueFaults(
  { name, secret }: Setting,
  text: string,
  issues: readonly z.core.$ZodIssue[],
): ConfigFault[] {
  return issues.map(({ path: [index], message }) => {
    if (secret) return { setting: name, expected: message };
    const got = typeof index === 'number' ? (entries(text)[index] ?? '') : text;
    return { setting: name, expected: message, ...shown(got) };
  });
}

/** What may be shown: no key, and nothing of what stands before an `@` (a password in a URL). */
function shown(got: string): { got?: string } {
  return got.includes(PEM_CONTENT) ? {} : { got: got.replace(/^.*@/s, '...@') };
}

function fault(setting: string, expected: string, given: Given): ConfigFault {
  const got = given.get(setting);
  return { setting, expected, ...(got === undefined ? {} : shown(got)) };
}

const TOGETHER = [
  ['KAFKA_CERT_FILE', 'KAFKA_KEY_FILE'],
  ['TLS_CERT_FILE', 'TLS_KEY_FILE'],
  ['REGISTRY_USERNAME', 'REGISTRY_PASSWORD'],
];

/** Settings that need each other. */
function togetherFaults(given: Given): ConfigFault[] {
  return TOGETHER.flatMap((names) => {
    const present = names.filter((name) => given.has(name));
    if (present.length === 0) return [];
    return names
      .filter((name) => !given.has(name))
      .map((name) => fault(name, `a value beside ${present.join(' and ')}`, given));
  });
}

function listenerFaults(given: Given, config: Partial<Config>): ConfigFault[] {
  const faults: ConfigFault[] = [];
  if (config.httpPort === 0 && config.httpsPort === 0) {
    faults.push(
      fault('HTTP_PORT', 'a port here or in HTTPS_PORT: with both 0 nothing is served', given),
    );
  }
  const embedded = config.kafkaBrokers === null ? config.embeddedKafkaPort : 0;
  const listeners = [
    { setting: 'HTTP_PORT', port: config.httpPort, host: config.host },
    { setting: 'HTTPS_PORT', port: config.httpsPort, host: config.host },
    { setting: 'ADMIN_PORT', port: config.adminPort, host: config.adminHost },
    { setting: 'EMBEDDED_KAFKA_PORT', port: embedded, host: 'localhost' },
  ].filter((listener) => listener.port);
  for (const [index, one] of listeners.entries()) {
    for (const other of listeners.slice(index + 1)) {
      if (one.port !== other.port || !overlap(one.host ?? '', other.host ?? '')) continue;
      const [told, taken] = given.has(other.setting) ? [other, one] : [one, other];
      faults.push(fault(told.setting, `another port than that of ${taken.setting}`, given));
    }
  }
  return faults;
}

/** Where this cannot tell (two names of one address), listening fails later with its own error. */
function overlap(a: string, b: string): boolean {
  if (a === b || a === '::' || b === '::') return true;
  return covers(a, b) || covers(b, a);
}

function covers(wide: string, host: string): boolean {
  if (wide === '0.0.0.0') return !host.includes(':');
  return wide === 'localhost' && (host === '127.0.0.1' || host === '::1');
}
