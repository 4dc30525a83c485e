import { describe, expect, test } from '@jest/globals';
import type { ConfigError } from '../errors.ts';
import { parseConfig } from './config.ts';

/** Settings and what is wrong with them. */
function faultsOf(env: Record<string, string>): string[] {
  try {
    parseConfig({ KAFKA_BROKERS: 'kafka:9092', ...env });
    return [];
  } catch (error) {
    return (error as ConfigError).message.split('\n');
  }
}

const OAUTH = { KAFKA_SASL_MECHANISM: 'OAUTHBEARER' };
const ASKED = {
  ...OAUTH,
  KAFKA_OAUTH_TOKEN_URL: 'https://issuer.example/token',
  KAFKA_OAUTH_CLIENT_ID: 'gateway',
};
const MSK = { KAFKA_SASL_MECHANISM: 'AWS_MSK_IAM', AWS_REGION: 'eu-central-1', KAFKA_TLS: 'true' };

describe('kafkaSignInTogether()', () => {
  test.each([
    [{ ...ASKED, KAFKA_OAUTH_CLIENT_SECRET: 's' }],
    [{ ...ASKED, KAFKA_OAUTH_ASSERTION_FILE: '/jwt', KAFKA_OAUTH_PARAMETERS: 'scope=a b,x=y=z' }],
    [
      {
        ...OAUTH,
        KAFKA_OAUTH_TOKEN_FILE: '/token',
        KAFKA_OAUTH_EXTENSIONS: 'logicalCluster=lkc-1',
      },
    ],
    [MSK],
    [{ AWS_REGION: 'eu-central-1' }],
  ])('kafkaSignInTogether() takes %j', (env) => {
    expect(faultsOf(env)).toEqual([]);
  });

  test.each([
    [
      OAUTH,
      [
        'KAFKA_OAUTH_TOKEN_URL: expected a value here, or in KAFKA_OAUTH_TOKEN_FILE, beside OAUTHBEARER',
      ],
    ],
    [
      ASKED,
      ['KAFKA_OAUTH_CLIENT_SECRET: expected a value either here or in KAFKA_OAUTH_ASSERTION_FILE'],
    ],
    [
      { ...ASKED, KAFKA_OAUTH_CLIENT_SECRET: 's', KAFKA_OAUTH_ASSERTION_FILE: '/jwt' },
      ['KAFKA_OAUTH_CLIENT_SECRET: expected a value either here or in KAFKA_OAUTH_ASSERTION_FILE'],
    ],
    [
      { ...OAUTH, KAFKA_OAUTH_CLIENT_SECRET: 's' },
      [
        'KAFKA_OAUTH_TOKEN_URL: expected a value beside OAUTHBEARER',
        'KAFKA_OAUTH_CLIENT_ID: expected a value beside OAUTHBEARER',
      ],
    ],
    [
      { ...ASKED, KAFKA_OAUTH_TOKEN_FILE: '/token' },
      [
        'KAFKA_OAUTH_TOKEN_FILE: expected no value beside KAFKA_OAUTH_TOKEN_URL and KAFKA_OAUTH_CLIENT_ID',
      ],
    ],
    [
      { KAFKA_OAUTH_TOKEN_FILE: '/token' },
      ['KAFKA_SASL_MECHANISM: expected OAUTHBEARER beside KAFKA_OAUTH_TOKEN_FILE'],
    ],
    [
      { KAFKA_SASL_MECHANISM: 'AWS_MSK_IAM' },
      [
        'AWS_REGION: expected a value beside AWS_MSK_IAM',
        'KAFKA_TLS: expected true beside AWS_MSK_IAM',
      ],
    ],
    [
      { ...MSK, KAFKA_OAUTH_CLIENT_ID: 'x' },
      ['KAFKA_SASL_MECHANISM: expected OAUTHBEARER beside KAFKA_OAUTH_CLIENT_ID'],
    ],
  ])('kafkaSignInTogether() reports what is missing or too much in %j', (env, faults) => {
    expect(faultsOf(env)).toEqual(faults);
  });

  test('kafkaSignInTogether() leaves what may be secret out of what it says', () => {
    const secret = { ...ASKED, KAFKA_OAUTH_CLIENT_SECRET: 'hush' };
    for (const KAFKA_OAUTH_PARAMETERS of ['hush', 'client_secret=hush', '=hush', 'a=hush,b']) {
      const [fault, ...more] = faultsOf({ ...secret, KAFKA_OAUTH_PARAMETERS });
      expect(more).toEqual([]);
      expect(fault).toMatch(/^KAFKA_OAUTH_PARAMETERS: expected name=value/);
      expect(fault).not.toContain('hush');
    }
    for (const KAFKA_OAUTH_EXTENSIONS of ['hush', 'auth=hush', 'a1=hush', 'a=hu\u0001sh']) {
      const [fault] = faultsOf({ ...secret, KAFKA_OAUTH_EXTENSIONS });
      expect(fault).toMatch(/^KAFKA_OAUTH_EXTENSIONS: expected name=value/);
      expect(fault).not.toContain('hu');
    }
  });

  test('parseConfig() takes the pairs of parameters and extensions apart', () => {
    const { kafkaOauthParameters, kafkaOauthExtensions } = parseConfig({
      ...ASKED,
      KAFKA_OAUTH_CLIENT_SECRET: 's',
      KAFKA_OAUTH_PARAMETERS: 'scope=kafka read , audience=https://b.example/?a=b',
      KAFKA_OAUTH_EXTENSIONS: 'logicalCluster=lkc-1,identityPoolId=pool-2',
    });
    expect(kafkaOauthParameters).toEqual([
      ['scope', 'kafka read'],
      ['audience', 'https://b.example/?a=b'],
    ]);
    expect(kafkaOauthExtensions).toEqual([
      ['logicalCluster', 'lkc-1'],
      ['identityPoolId', 'pool-2'],
    ]);
  });
});
