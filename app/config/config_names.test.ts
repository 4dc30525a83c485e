import { describe, expect, test } from '@jest/globals';
import { SETTINGS } from './config.ts';
import { strangersToSignIn, strayNames } from './config_names.ts';

const NAMES = Object.values(SETTINGS).map(({ name }) => name);

/** What is taken for a setting by mistake. */
function stray(...names: string[]): string[] {
  return strayNames(Object.fromEntries(names.map((name) => [name, 'x'])), NAMES).map(
    ({ name }) => name,
  );
}

describe('strayNames()', () => {
  test.each([
    ['TOPIC', 'TOPICS'],
    ['TOPCIS', 'TOPICS'],
    ['OPICS', 'TOPICS'],
    ['HOSTS', 'HOST'],
    ['WORKER', 'WORKERS'],
    ['LOGLEVEL', 'LOG_LEVEL'],
    ['HTP_PRT', 'HTTP_PORT'],
    ['TLS_CERTFILE', 'TLS_CERT_FILE'],
    ['MAX_CONNECTION_PER_IPS', 'MAX_CONNECTIONS_PER_IP'],
    ['AKFKA_BROKERS', 'KAFKA_BROKERS'],
    ['KAFKA_BROKER', 'KAFKA_BROKERS'],
    ['KAFKA_BROKERZ', 'KAFKA_BROKERS'],
    ['KAFKA_BOOTSTRAP_SERVERS', 'KAFKA_BROKERS'],
    ['KAFKA_SASL_USERNAME', 'KAFKA_USERNAME'],
    ['KAFKA_PASS', 'KAFKA_PASSWORD'],
    ['KAFKA_SSL_CA_FILE', 'KAFKA_CA_FILE'],
    ['KAFKA_TOPIC', 'TOPICS'],
    ['KAFKA_ZZZZZZZZZZZZ', null],
  ])('strayNames() takes %s for %s', (name, likely) => {
    expect(strayNames({ [name]: 'x' }, NAMES)).toEqual([{ name, likely }]);
  });

  test('strayNames() passes over settings, and what is not set', () => {
    expect(stray(...NAMES)).toEqual([]);
    expect(strayNames({ TOPIC: ' ', KAFKA_BROKER: undefined }, NAMES)).toEqual([]);
  });

  test('strayNames() passes over what shells and common tools set', () => {
    expect(
      stray(
        ...[
          'HOME',
          'PORT',
          'HOSTNAME',
          'HOSTTYPE',
          'HTTP_PROXY',
          'HTTPS_PROXY',
          'NO_PROXY',
          'PATH',
        ],
        ...[
          'PWD',
          'SHLVL',
          'SHELL',
          'TERM',
          'USER',
          'LOGNAME',
          'LANG',
          'LC_ALL',
          'TMPDIR',
          'EDITOR',
        ],
        ...['NODE_ENV', 'NODE_OPTIONS', 'DENO_DIR', 'SSL_CERT_FILE', 'SSL_CERT_DIR', 'JAVA_HOME'],
        ...['KAFKA_OPTS', 'KAFKA_HEAP_OPTS', 'KAFKA_JVM_PERFORMANCE_OPTS', 'KAFKA_LOG4J_OPTS'],
        ...['KAFKA_HOME', 'KAFKA_JMX_OPTS', 'JMX_PORT', 'LOG_DIR', 'DOCKER_HOST', 'VIRTUAL_HOST'],
        ...['XDG_RUNTIME_DIR', 'SSH_AUTH_SOCK', 'DISPLAY', 'COLORTERM', 'INVOCATION_ID', 'CI'],
      ),
    ).toEqual([]);
  });

  test('strayNames() passes over what Kubernetes tells of its services', () => {
    const env = {
      KAFKA_SERVICE_HOST: '10.0.0.1',
      KAFKA_SERVICE_PORT: '9092',
      KAFKA_SERVICE_PORT_TCP_CLIENT: '9092',
      KAFKA_PORT: 'tcp://10.0.0.1:9092',
      KAFKA_PORT_9092_TCP: 'tcp://10.0.0.1:9092',
      KAFKA_PORT_9092_TCP_PROTO: 'tcp',
      KAFKA_PORT_9092_TCP_ADDR: '10.0.0.1',
      KAFKA_CONTROLLER_HEADLESS_SERVICE_HOST: '10.0.0.2',
      JWT_ISSUER_SERVICE_HOST: '10.0.0.3',
    };
    expect(strayNames(env, NAMES)).toEqual([]);
    expect(stray('KAFKA_PORT')).toEqual(['KAFKA_PORT']);
    expect(strangersToSignIn(env, NAMES)).toEqual([]);
  });
});

describe('strangersToSignIn()', () => {
  test('strangersToSignIn() lets no setting of a sign-in count for nothing', () => {
    const env = { JWT_ISSUER: 'x', JWT_ISUER: 'x', SIGN_IN_URI: 'x', SIGN_IN: 'x', JWT_QUERY: '' };
    const others = { MY_JWT_KEY: 'x', SIGN: 'x', JWT: 'x' };
    const faults = strangersToSignIn({ ...env, ...others }, [...NAMES, 'JWT_ISSUER']);
    expect(faults.map(({ setting }) => setting)).toEqual(['JWT_ISUER', 'SIGN_IN', 'SIGN_IN_URI']);
    for (const fault of faults) expect(fault).not.toHaveProperty('got');
    expect(faults[0]!.expected).toContain('did you mean JWT_ISSUER?');
  });
});
