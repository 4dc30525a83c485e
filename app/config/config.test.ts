import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'dotenv';
import { ConfigError, type ConfigFault } from '../errors.ts';
import { type Config, parseConfig, parseLogSettings, SETTINGS } from './config.ts';

/** The names that users rely on, as they stand in the documentation. */
const NAMES = `KAFKA_BROKERS EMBEDDED_KAFKA_PORT KAFKA_TLS KAFKA_CA_FILE KAFKA_CERT_FILE
  KAFKA_KEY_FILE KAFKA_SASL_MECHANISM KAFKA_USERNAME KAFKA_PASSWORD KAFKA_OAUTH_TOKEN_URL
  KAFKA_OAUTH_CLIENT_ID KAFKA_OAUTH_CLIENT_SECRET KAFKA_OAUTH_ASSERTION_FILE KAFKA_OAUTH_PARAMETERS
  KAFKA_OAUTH_EXTENSIONS KAFKA_OAUTH_TOKEN_FILE AWS_REGION KAFKA_RACK TOPICS STREAMS_FILE HOST
  ADMIN_HOST
  HTTP_PORT HTTPS_PORT ADMIN_PORT ADMIN_TOKEN_FILE TLS_CERT_FILE TLS_KEY_FILE CORS_ORIGINS HEARTBEAT_SECONDS
  MAX_AGE_SECONDS STALL_SECONDS MAX_CONNECTIONS MAX_CONNECTIONS_PER_IP TRUST_PROXY JWT_ISSUER
  JWT_AUDIENCE JWT_JWKS_URL JWT_KEYS_FILE JWT_SECRET_FILE JWT_ALGORITHMS JWT_COOKIE JWT_QUERY
  SIGN_IN_URL REQUIRE REGISTRY_URL REGISTRY_USERNAME REGISTRY_PASSWORD REGISTRY_WAIT_SECONDS CA_FILE FEED_MEMORY_MB MAX_SCANNED_VIEWS
  COMPRESSION DRAIN_SECONDS WORKERS LOG_LEVEL LOG_FORMAT`.split(/\s+/);

type Env = Record<string, string | undefined>;

function faultsOf(env: Env): readonly ConfigFault[] {
  try {
    parseConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  return [];
}

function faultNames(env: Env): string[] {
  return faultsOf(env).map((fault) => fault.setting);
}

function messageOf(env: Env): string {
  return new ConfigError(faultsOf(env)).message;
}

describe('SETTINGS', () => {
  test('SETTINGS has exactly the documented names, each under its own in camel case', () => {
    const settings = Object.entries(SETTINGS);
    expect(settings.map(([, { name }]) => name)).toEqual(NAMES);
    for (const [key, { name }] of settings) {
      expect(key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()).toBe(name);
    }
  });

  test('.env.example names every setting once, in order, with its default', () => {
    const text = readFileSync(new URL('../../.env.example', import.meta.url), 'utf8');
    const lines = [...text.matchAll(/^#([A-Z_]+)=(.*)$/gm)];
    const expected = Object.values(SETTINGS).map(({ name, default: value }) => [
      name,
      typeof value === 'string' ? value : '',
    ]);
    expect(lines.map(([, name, value]) => [name, value])).toEqual(expected);
    expect(parse(text)).toEqual({});
    const uncommented = parse(text.replace(/^#(?=[A-Z_]+=)/gm, ''));
    expect(Object.keys(uncommented)).toEqual(NAMES);
    expect(parseConfig(uncommented)).toEqual(parseConfig({}));
  });
});

describe('parseConfig()', () => {
  test('parseConfig() gives the defaults of an empty environment, frozen', () => {
    const config = parseConfig({});
    expect(config).toEqual({
      kafkaBrokers: null,
      embeddedKafkaPort: 9092,
      kafkaTls: false,
      kafkaCaFile: null,
      kafkaCertFile: null,
      kafkaKeyFile: null,
      kafkaSaslMechanism: null,
      kafkaUsername: null,
      kafkaPassword: null,
      kafkaOauthTokenUrl: null,
      kafkaOauthClientId: null,
      kafkaOauthClientSecret: null,
      kafkaOauthAssertionFile: null,
      kafkaOauthParameters: null,
      kafkaOauthExtensions: null,
      kafkaOauthTokenFile: null,
      awsRegion: null,
      aws: {},
      kafkaRack: null,
      topics: ['events'],
      streamsFile: null,
      host: 'localhost',
      adminHost: 'localhost',
      httpPort: 8080,
      httpsPort: 9090,
      adminPort: 9091,
      adminTokenFile: null,
      tlsCertFile: null,
      tlsKeyFile: null,
      corsOrigins: '*',
      heartbeatSeconds: 15,
      maxAgeSeconds: 0,
      stallSeconds: 30,
      maxConnections: 10_000,
      maxConnectionsPerIp: 0,
      trustProxy: false,
      jwtIssuer: null,
      jwtAudience: null,
      jwtJwksUrl: null,
      jwtKeysFile: null,
      jwtSecretFile: null,
      jwtAlgorithms: null,
      jwtCookie: null,
      jwtQuery: false,
      signInUrl: null,
      require: null,
      registryUrl: null,
      registryUsername: null,
      registryPassword: null,
      registryWaitSeconds: 30,
      caFile: null,
      feedMemoryMb: 64,
      maxScannedViews: 200,
      compression: 'off',
      drainSeconds: 10,
      workers: 1,
      logLevel: 'info',
      logFormat: 'auto',
    } satisfies Config);
    expect(Object.isFrozen(config)).toBe(true);
    expect(Object.isFrozen(config.topics)).toBe(true);
    expect(parseConfig({})).toEqual(config);
  });

  test('parseConfig() takes a value for every setting', () => {
    const config = parseConfig({
      KAFKA_BROKERS: 'kafka-0.kafka:9092, [::1]:9093 ,10.0.0.1:1,my_kafka:65535',
      EMBEDDED_KAFKA_PORT: '19092',
      KAFKA_TLS: 'TRUE',
      KAFKA_CA_FILE: '/ca.pem',
      KAFKA_CERT_FILE: 'cert.pem',
      KAFKA_KEY_FILE: 'key.pem',
      KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512',
      KAFKA_USERNAME: 'user',
      KAFKA_PASSWORD: 'pa$sw#"\'',
      AWS_REGION: 'eu-central-1',
      AWS_ROLE_ARN: ' arn:aws:iam::1:role/gateway ',
      AWS_PROFILE: 'other',
      KAFKA_RACK: 'eu-1a',
      TOPICS: 'a, B_b.c-1 ,a,-',
      HOST: '::',
      ADMIN_HOST: 'localhost',
      HTTP_PORT: '0',
      HTTPS_PORT: ' 8443 ',
      ADMIN_PORT: '65535',
      ADMIN_TOKEN_FILE: 'token',
      TLS_CERT_FILE: 'tls.pem',
      TLS_KEY_FILE: 'tls.key',
      CORS_ORIGINS: 'https://a.example,http://localhost:3000,null,capacitor://localhost',
      HEARTBEAT_SECONDS: '0',
      MAX_AGE_SECONDS: '2147483',
      STALL_SECONDS: '1',
      MAX_CONNECTIONS: '0',
      MAX_CONNECTIONS_PER_IP: '7',
      TRUST_PROXY: 'true',
      JWT_ISSUER: 'https://issuer.example/realm/',
      JWT_AUDIENCE: 'gateway, other',
      JWT_JWKS_URL: 'https://issuer.example/keys',
      JWT_ALGORITHMS: 'ES256,EdDSA',
      JWT_COOKIE: '__Secure-session',
      JWT_QUERY: 'true',
      REQUIRE: '"a" in scopes',
      REGISTRY_URL: 'https://registry/apis/ccompat/v7',
      REGISTRY_USERNAME: 'gateway',
      REGISTRY_PASSWORD: ' secret\n',
      REGISTRY_WAIT_SECONDS: '5',
      CA_FILE: 'own.pem',
      FEED_MEMORY_MB: '1',
      MAX_SCANNED_VIEWS: '0',
      COMPRESSION: 'gzip',
      DRAIN_SECONDS: '0',
      WORKERS: 'auto',
      LOG_LEVEL: 'warn',
      LOG_FORMAT: 'json',
      PATH: '/bin',
    });
    expect(config).toEqual({
      kafkaBrokers: ['kafka-0.kafka:9092', '[::1]:9093', '10.0.0.1:1', 'my_kafka:65535'],
      embeddedKafkaPort: 19092,
      kafkaTls: true,
      kafkaCaFile: '/ca.pem',
      kafkaCertFile: 'cert.pem',
      kafkaKeyFile: 'key.pem',
      kafkaSaslMechanism: 'SCRAM-SHA-512',
      kafkaUsername: 'user',
      kafkaPassword: 'pa$sw#"\'',
      kafkaOauthTokenUrl: null,
      kafkaOauthClientId: null,
      kafkaOauthClientSecret: null,
      kafkaOauthAssertionFile: null,
      kafkaOauthParameters: null,
      kafkaOauthExtensions: null,
      kafkaOauthTokenFile: null,
      awsRegion: 'eu-central-1',
      aws: { AWS_ROLE_ARN: 'arn:aws:iam::1:role/gateway' },
      kafkaRack: 'eu-1a',
      topics: ['a', 'B_b.c-1', '-'],
      streamsFile: null,
      host: '::',
      adminHost: 'localhost',
      httpPort: 0,
      httpsPort: 8443,
      adminPort: 65535,
      adminTokenFile: 'token',
      tlsCertFile: 'tls.pem',
      tlsKeyFile: 'tls.key',
      corsOrigins: ['https://a.example', 'http://localhost:3000', 'null', 'capacitor://localhost'],
      heartbeatSeconds: 0,
      maxAgeSeconds: 2_147_483,
      stallSeconds: 1,
      maxConnections: 0,
      maxConnectionsPerIp: 7,
      trustProxy: true,
      jwtIssuer: 'https://issuer.example/realm/',
      jwtAudience: ['gateway', 'other'],
      jwtJwksUrl: 'https://issuer.example/keys',
      jwtKeysFile: null,
      jwtSecretFile: null,
      jwtAlgorithms: ['ES256', 'EdDSA'],
      jwtCookie: '__Secure-session',
      jwtQuery: true,
      signInUrl: null,
      require: '"a" in scopes',
      registryUrl: 'https://registry/apis/ccompat/v7',
      registryUsername: 'gateway',
      registryPassword: ' secret',
      registryWaitSeconds: 5,
      caFile: 'own.pem',
      feedMemoryMb: 1,
      maxScannedViews: 0,
      compression: 'gzip',
      drainSeconds: 0,
      workers: 'auto',
      logLevel: 'warn',
      logFormat: 'json',
    } satisfies Config);
  });

  test('parseConfig() takes an empty or blank value for unset', () => {
    const blank = Object.fromEntries(NAMES.map((name, index) => [name, index % 2 ? '' : ' \t\n']));
    expect(parseConfig(blank)).toEqual(parseConfig({}));
  });

  test('parseConfig() keeps spaces of a password and drops the line end after it', () => {
    const sasl = { KAFKA_SASL_MECHANISM: 'PLAIN', KAFKA_USERNAME: 'u\n' };
    const config = parseConfig({ ...sasl, KAFKA_PASSWORD: ' secret \r\n' });
    expect([config.kafkaUsername, config.kafkaPassword]).toEqual(['u', ' secret ']);
  });

  test('parseConfig() listens on this machine only with the embedded Kafka', () => {
    const hosts = (env: Env) => {
      const { host, adminHost } = parseConfig(env);
      return [host, adminHost];
    };
    expect(hosts({})).toEqual(['localhost', 'localhost']);
    expect(hosts({ KAFKA_BROKERS: 'k:1' })).toEqual(['::', '::']);
    expect(hosts({ KAFKA_BROKERS: 'k:1', HOST: '::1' })).toEqual(['::1', '::1']);
    expect(hosts({ KAFKA_BROKERS: 'k:1', ADMIN_HOST: '::1' })).toEqual(['::', '::1']);
  });

  test('parseConfig() reports ten faults at once, in one error, a line each', () => {
    const error = new ConfigError(
      faultsOf({
        KAFKA_BROKERS: 'kafka',
        KAFKA_TLS: 'yes',
        KAFKA_SASL_MECHANISM: 'GSSAPI',
        KAFKA_USERNAME: 'someone',
        TOPICS: 'ok,..',
        HOST: '[::1]',
        HTTP_PORT: '8080x',
        ADMIN_PORT: '70000',
        TLS_CERT_FILE: 'cert.pem',
        CORS_ORIGINS: 'https://a.example/',
        LOG_LEVEL: 'verbose',
      }),
    );
    expect(error.code).toBe('CONFIG');
    expect(error.exitCode).toBe(78);
    expect(error.message.split('\n')).toEqual([
      'KAFKA_BROKERS: got "kafka", expected host:port or [IPv6]:port (port 1 to 65535), several with a comma between',
      'KAFKA_TLS: got "yes", expected true or false',
      'KAFKA_SASL_MECHANISM: got "GSSAPI", expected one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER, AWS_MSK_IAM',
      'TOPICS: got "..", expected a topic name (1 to 249 of a-z A-Z 0-9 . _ -)',
      'HOST: got "[::1]", expected an IP address (IPv6 without brackets) or a host name',
      'HTTP_PORT: got "8080x", expected a whole number from 0 to 65535',
      'ADMIN_PORT: got "70000", expected a whole number from 0 to 65535',
      'CORS_ORIGINS: got "https://a.example/", expected * or origins as a browser sends them (https://a.example:8443: no path, no default port)',
      'LOG_LEVEL: got "verbose", expected debug, info, warn or error',
      'KAFKA_PASSWORD: expected a value beside KAFKA_SASL_MECHANISM and KAFKA_USERNAME',
      'TLS_KEY_FILE: expected a value beside TLS_CERT_FILE',
    ]);
  });

  test.each([
    [{ REGISTRY_USERNAME: 'u' }, ['REGISTRY_PASSWORD']],
    [{ REGISTRY_PASSWORD: 'p' }, ['REGISTRY_USERNAME']],
    [{ KAFKA_SASL_MECHANISM: 'PLAIN' }, ['KAFKA_USERNAME', 'KAFKA_PASSWORD']],
    [{ KAFKA_SASL_MECHANISM: 'PLAIN', KAFKA_USERNAME: 'u' }, ['KAFKA_PASSWORD']],
    [{ KAFKA_SASL_MECHANISM: 'PLAIN', KAFKA_PASSWORD: 'p' }, ['KAFKA_USERNAME']],
    [{ KAFKA_USERNAME: 'u', KAFKA_PASSWORD: 'p' }, ['KAFKA_SASL_MECHANISM']],
    [{ KAFKA_PASSWORD: 'p' }, ['KAFKA_SASL_MECHANISM', 'KAFKA_USERNAME']],
    [{ KAFKA_CERT_FILE: 'c' }, ['KAFKA_KEY_FILE']],
    [{ KAFKA_KEY_FILE: 'k' }, ['KAFKA_CERT_FILE']],
    [{ TLS_CERT_FILE: 'c', TLS_KEY_FILE: ' ' }, ['TLS_KEY_FILE']],
    [{ TLS_KEY_FILE: 'k' }, ['TLS_CERT_FILE']],
  ])('parseConfig() reports what is missing beside %j', (env, missing) => {
    expect(faultNames(env)).toEqual(missing);
  });

  test.each([
    [{ HTTP_PORT: '9090' }, ['HTTP_PORT']],
    [{ HTTPS_PORT: '8080' }, ['HTTPS_PORT']],
    [{ HTTP_PORT: '9000', ADMIN_PORT: '9000' }, ['ADMIN_PORT']],
    [
      { HTTP_PORT: '9000', HTTPS_PORT: '9000', ADMIN_PORT: '9000' },
      ['HTTPS_PORT', 'ADMIN_PORT', 'ADMIN_PORT'],
    ],
    [{ HTTP_PORT: '9092' }, ['HTTP_PORT']],
    [{ EMBEDDED_KAFKA_PORT: '8080' }, ['EMBEDDED_KAFKA_PORT']],
    [{ HTTP_PORT: '9092', KAFKA_BROKERS: 'k:1' }, []],
    [{ ADMIN_PORT: '8080', ADMIN_HOST: '::1' }, ['ADMIN_PORT']],
    [{ ADMIN_PORT: '8080', ADMIN_HOST: '::1', HOST: '127.0.0.1' }, []],
    [{ ADMIN_PORT: '8080', ADMIN_HOST: '127.0.0.1', HOST: '0.0.0.0' }, ['ADMIN_PORT']],
    [{ ADMIN_PORT: '8080', ADMIN_HOST: '::', HOST: '127.0.0.1' }, ['ADMIN_PORT']],
    [{ ADMIN_PORT: '8080', ADMIN_HOST: '::1', HOST: '0.0.0.0' }, []],
    [{ HTTP_PORT: '0', ADMIN_PORT: '0' }, []],
    [{ HTTPS_PORT: '0', ADMIN_PORT: '0' }, []],
    [{ HTTP_PORT: '0', HTTPS_PORT: '0' }, ['HTTP_PORT']],
  ])("parseConfig() finds listeners in each other's way: %j", (env, names) => {
    expect(faultNames(env)).toEqual(names);
  });

  test('parseConfig() wants brokers where the embedded Kafka is off', () => {
    const off = { EMBEDDED_KAFKA_PORT: '0' };
    expect(faultNames(off)).toEqual(['KAFKA_BROKERS']);
    expect(messageOf(off)).toContain('EMBEDDED_KAFKA_PORT=0');
    expect(faultNames({ ...off, KAFKA_BROKERS: 'kafka:9092' })).toEqual([]);
  });

  test('parseConfig() tells further faults with its own', () => {
    const more = (config: Partial<Config>): ConfigFault[] => [
      { setting: 'KAFKA_CA_FILE', expected: `${config.kafkaCaFile} ${config.httpPort}` },
    ];
    const env = { HTTP_PORT: 'x', KAFKA_CA_FILE: 'ca.pem' };
    expect(() => parseConfig(env, more)).toThrow(
      /^HTTP_PORT: .*\nKAFKA_CA_FILE: expected ca\.pem undefined$/,
    );
  });

  test('parseConfig() never shows a secret', () => {
    const message = messageOf({
      KAFKA_USERNAME: 's3cret',
      KAFKA_PASSWORD: 's3cret',
      KAFKA_BROKERS: 'sasl://user:s3cret@kafka:9092',
      CORS_ORIGINS: 'https://user:s3cret@a.example',
      TLS_KEY_FILE: '-----BEGIN PRIVATE KEY-----\ns3cret\n-----END PRIVATE KEY-----',
    });
    expect(message).not.toContain('s3cret');
    expect(message).not.toContain('user');
    expect(message).toContain('TLS_KEY_FILE: expected the path of a PEM file, not its content');
    expect(message).toContain('KAFKA_BROKERS: got "...@kafka:9092"');
  });
});

test('parseLogSettings() takes what is right, whatever else is wrong, else the default', () => {
  const wrong = { HTTP_PORT: 'x', LOG_LEVEL: 'loud' };
  expect(parseLogSettings({ ...wrong, LOG_FORMAT: ' text ' })).toEqual({
    logLevel: 'info',
    logFormat: 'text',
  });
  expect(parseLogSettings({ LOG_LEVEL: 'debug', LOG_FORMAT: 'xml' })).toEqual({
    logLevel: 'debug',
    logFormat: 'auto',
  });
});
