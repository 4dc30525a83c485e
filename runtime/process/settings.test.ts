import { createPrivateKey } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { generate } from 'selfsigned';
import { ConfigError } from '../../app/errors.ts';
import { readSettings, topicsOf } from './settings.ts';

let folder = '';
const path = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'settings-'));
  const ec = await generate(undefined, { keyType: 'ec', algorithm: 'sha256' });
  const rsa = await generate(undefined, { keyType: 'rsa', algorithm: 'sha256' });
  const locked = await generate(undefined, { keyType: 'ec', passphrase: 'x', algorithm: 'sha256' });
  writeFileSync(path('ec.crt'), ec.cert);
  writeFileSync(path('ec.key'), ec.private);
  writeFileSync(path('rsa.crt'), rsa.cert);
  writeFileSync(path('rsa.key'), rsa.private);
  writeFileSync(path('locked.key'), locked.private);
  writeFileSync(path('bundle.crt'), `# ours\n${ec.cert}\n# theirs\r\n${rsa.cert}`);
  writeFileSync(path('both.pem'), `${ec.cert}\n${ec.private}`);
  writeFileSync(path('cut.crt'), ec.cert.slice(0, 200));
  writeFileSync(path('broken.crt'), ec.cert.replace(/\n.{20}/, '\nAAAAAAAAAAAAAAAAAAAA'));
  writeFileSync(path('second_broken.crt'), ec.cert + rsa.cert.replace(/\n.{20}/, '\n!'));
  writeFileSync(path('marked.crt'), `\ufeff${ec.cert}\ufeff${rsa.cert}`);
  writeFileSync(path('marked.key'), `\ufeff${ec.private}`);
  writeFileSync(path('empty.pem'), '');
  mkdirSync(path('folder'));
});

afterAll(() => rmSync(folder, { recursive: true }));

function dotenv(text: string): string {
  writeFileSync(path('.env'), text);
  return path('.env');
}

function linesOf(env: Record<string, string>, file = path('no.env')): string[] {
  try {
    readSettings('node', env, file);
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n');
    throw error;
  }
  return [];
}

describe('readSettings()', () => {
  test.each(['2', 'auto'])('readSettings() takes no WORKERS=%s on Deno', (workers) => {
    const read = () => readSettings('deno', { WORKERS: workers }, path('no.env'));
    expect(read).toThrow(`WORKERS: got "${workers}", expected 1 on Deno: only Node shares`);
    expect(readSettings('deno', { WORKERS: '1' }, path('no.env')).config.workers).toBe(1);
  });

  test('readSettings() reads each topic of a stream of several once', () => {
    writeFileSync(
      path('streams.yaml'),
      'streams:\n  /both: { topics: [b, a] }\n  /one: { topic: a }\n',
    );
    const env = { STREAMS_FILE: path('streams.yaml') };
    expect(topicsOf(readSettings('node', env, path('no.env')))).toEqual(['b', 'a']);
  });

  test('readSettings() does without .env, and reads the process environment', () => {
    Object.assign(process.env, { HEARTBEAT_SECONDS: '21' });
    try {
      expect(readSettings('node', undefined, path('no.env')).config.heartbeatSeconds).toBe(21);
    } finally {
      Reflect.deleteProperty(process.env, 'HEARTBEAT_SECONDS');
    }
  });

  test('readSettings() lets the environment win over .env, an empty variable too', () => {
    const file = dotenv('\ufeffTOPICS="a, b" # two\r\nexport HTTP_PORT=1111\nHTTPS_PORT=2222\n');
    const { config } = readSettings('deno', { HTTP_PORT: '3333', HTTPS_PORT: '' }, file);
    expect(config).toMatchObject({ topics: ['a', 'b'], httpPort: 3333, httpsPort: 9090 });
    expect(process.env).not.toHaveProperty('TOPICS');
  });

  test('readSettings() warns of names that look like a setting, in .env too', () => {
    const file = dotenv('TOPIC=a\nKAFKA_SASL_USERNAME=u\n');
    const { warnings } = readSettings('node', { KAFKA_QQQQQQ: 'x', HOME: '/' }, file);
    expect(warnings).toEqual([
      'KAFKA_QQQQQQ is no setting and is passed over (docs/settings.md lists them)',
      'KAFKA_SASL_USERNAME is no setting and is passed over; did you mean KAFKA_USERNAME? (docs/settings.md lists them)',
      'TOPIC is no setting and is passed over; did you mean TOPICS? (docs/settings.md lists them)',
    ]);
  });

  test('readSettings() looks into the files of the sign-in, and at what is required', () => {
    const env = { KAFKA_BROKERS: 'k:1', JWT_ISSUER: 'x', JWT_AUDIENCE: 'gateway' };
    const secret = (text: string): string => {
      writeFileSync(path('secret'), text);
      return path('secret');
    };
    const short = { ...env, JWT_SECRET_FILE: secret(`${'s'.repeat(31)}\r\n`) };
    expect(linesOf(short)).toEqual([
      'JWT_SECRET_FILE: expected a secret of at least 32 bytes (it has 31)',
    ]);
    secret(`${'s'.repeat(32)}\n`);
    expect(linesOf(short)).toEqual([]);
    expect(linesOf({ ...short, JWT_ALGORITHMS: 'HS256,HS512' })).toEqual([
      'JWT_SECRET_FILE: expected a secret of at least 64 bytes (it has 32)',
    ]);
    expect(linesOf({ ...env, JWT_KEYS_FILE: path('none') })).toEqual([
      `JWT_KEYS_FILE: got "${path('none')}", expected a file that can be read (ENOENT)`,
    ]);
    expect(linesOf({ ...short, REQUIRE: 'claim.sub == "a"' })).toEqual([
      'REQUIRE: got "claim.sub == \\"a\\"", expected an expression; line 1, column 1: ' +
        'no name claim here: there are claims, scopes, topic',
    ]);
  });

  test('readSettings() warns where the token of the brokers goes to a registry without TLS', () => {
    const token = { KAFKA_SASL_MECHANISM: 'OAUTHBEARER', KAFKA_TLS: 'true' };
    const file = { KAFKA_OAUTH_TOKEN_FILE: '/token', KAFKA_BROKERS: 'kafka:9093' };
    const warningsOf = (REGISTRY_URL: string, more = {}): readonly string[] =>
      readSettings('node', { ...token, ...file, REGISTRY_URL, ...more }, path('none')).warnings;
    expect(warningsOf('http://registry.example')).toEqual([
      expect.stringContaining('REGISTRY_URL is asked without TLS'),
    ]);
    expect(warningsOf('https://registry.example')).toEqual([]);
    expect(warningsOf('http://localhost:8081')).toEqual([]);
    const signIn = { REGISTRY_USERNAME: 'me', REGISTRY_PASSWORD: 'p' };
    expect(warningsOf('http://registry.example', signIn)).toEqual([]);
  });

  test('readSettings() warns of keys that are asked for without TLS, but on this machine', () => {
    const warningsOf = (JWT_ISSUER: string, more = {}): readonly string[] =>
      readSettings('node', { JWT_ISSUER, JWT_AUDIENCE: 'gateway', ...more }, path('none')).warnings;
    const warning = (name: string) => expect.stringMatching(`^${name} is asked without TLS`);
    expect(warningsOf('http://issuer.example')).toEqual([warning('JWT_ISSUER')]);
    expect(warningsOf('http://localhost:8080')).toEqual([]);
    expect(warningsOf('https://issuer.example')).toEqual([]);
    for (const JWT_JWKS_URL of ['http://10.0.0.1/keys', 'HTTP://10.0.0.1/keys']) {
      expect(warningsOf('http://issuer.example', { JWT_JWKS_URL })).toEqual([
        warning('JWT_JWKS_URL'),
      ]);
    }
  });

  test('readSettings() takes a password with a dollar as it is', () => {
    const file = dotenv('KAFKA_SASL_MECHANISM=PLAIN\nKAFKA_USERNAME=u\nKAFKA_PASSWORD=pa$sw');
    expect(readSettings('node', {}, file).config.kafkaPassword).toBe('pa$sw');
  });

  test('readSettings() reports a .env that is a folder, beside the other faults', () => {
    expect(linesOf({ HTTP_PORT: 'x' }, path('folder'))).toEqual([
      'HTTP_PORT: got "x", expected a whole number from 0 to 65535',
      '.env: expected a file that can be read (EISDIR)',
    ]);
  });

  test.each([
    { KAFKA_CA_FILE: 'bundle.crt' },
    { TLS_CERT_FILE: 'ec.crt', TLS_KEY_FILE: 'ec.key' },
    { TLS_CERT_FILE: 'rsa.crt', TLS_KEY_FILE: 'rsa.key' },
    { TLS_CERT_FILE: 'both.pem', TLS_KEY_FILE: 'both.pem' },
    { KAFKA_CERT_FILE: 'bundle.crt', KAFKA_KEY_FILE: 'ec.key' },
    { KAFKA_CERT_FILE: 'marked.crt', KAFKA_KEY_FILE: 'marked.key' },
  ])('readSettings() takes the files %j', (files) => {
    const env = Object.fromEntries(Object.entries(files).map(([name, file]) => [name, path(file)]));
    expect(linesOf(env)).toEqual([]);
  });

  test.each([
    ['nowhere.pem', 'a file that can be read (ENOENT)'],
    ['ec.crt/x', 'a file that can be read (ENOTDIR)'],
    ['\0', 'a file that can be read (ERR_INVALID_ARG_VALUE)'],
    ['folder', 'a PEM file with certificates'],
    ['empty.pem', 'a PEM file with certificates'],
    ['ec.key', 'a PEM file with certificates'],
    ['cut.crt', 'a PEM file with certificates'],
    ['broken.crt', 'a PEM file with certificates'],
    ['second_broken.crt', 'a PEM file with certificates'],
    ['/dev/zero', 'a PEM file with certificates'],
  ])('readSettings() refuses the certificate file %j', (file, expected) => {
    const [line, ...others] = linesOf({ KAFKA_CA_FILE: file[0] === '/' ? file : path(file) });
    expect(line).toMatch(/^KAFKA_CA_FILE: got ".*, expected /);
    expect(line).toContain(expected);
    expect(others).toEqual([]);
  });

  test.each([
    ['locked.key', 'a PEM file with a private key without passphrase'],
    ['ec.crt', 'a PEM file with a private key without passphrase'],
    ['rsa.key', 'the key of the first certificate in TLS_CERT_FILE'],
  ])('readSettings() refuses the key file %j', (file, expected) => {
    const lines = linesOf({ TLS_CERT_FILE: path('bundle.crt'), TLS_KEY_FILE: path(file) });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^TLS_KEY_FILE: got /);
    expect(lines[0]).toContain(`expected ${expected}`);
  });

  test('readSettings() takes keys in the older forms, behind EC PARAMETERS too', () => {
    const parameters =
      '-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n';
    const inForm = (name: string, type: 'sec1' | 'pkcs1') =>
      createPrivateKey(readFileSync(path(name))).export({ type, format: 'pem' });
    writeFileSync(path('sec1.key'), parameters + inForm('ec.key', 'sec1'));
    writeFileSync(path('pkcs1.key'), inForm('rsa.key', 'pkcs1'));
    expect(linesOf({ TLS_CERT_FILE: path('ec.crt'), TLS_KEY_FILE: path('sec1.key') })).toEqual([]);
    expect(linesOf({ TLS_CERT_FILE: path('rsa.crt'), TLS_KEY_FILE: path('pkcs1.key') })).toEqual(
      [],
    );
  });

  test('readSettings() tells faults of settings, files and .env together, and no secret', () => {
    const file = dotenv('KAFKA_PASSWORD=s3cret\nWORKERS=0\nKAFKA_CA_FILE=nowhere.pem\n');
    const key = '-----BEGIN PRIVATE KEY-----\ns3cret\n-----END PRIVATE KEY-----\n';
    const lines = linesOf({ TOPICS: '..', TLS_CERT_FILE: path('ec.crt'), TLS_KEY_FILE: key }, file);
    expect(lines.map((line) => line.split(':')[0])).toEqual([
      'TOPICS',
      'TLS_KEY_FILE',
      'WORKERS',
      'KAFKA_SASL_MECHANISM',
      'KAFKA_USERNAME',
      'KAFKA_CA_FILE',
    ]);
    expect(lines.join()).not.toContain('s3cret');
  });
});
