import { Buffer } from 'node:buffer';
import { describe, expect, test } from '@jest/globals';
import type { WebQuestion } from '../../../app/ports/web.ts';
import { type AwsEnvironment, awsCredentials } from './aws_credentials.ts';

const KEYS = { accessKeyId: 'AKID', secretAccessKey: 'secret', sessionToken: 'session' };
const ENDS = '2030-01-02T03:04:05Z';
const EXPIRES = { expiresAt: Date.parse(ENDS) };
const JSON_KEYS = {
  AccessKeyId: 'AKID',
  SecretAccessKey: 'secret',
  Token: 'session',
  Expiration: ENDS,
};

/** AWS, by method and address. */
function aws(answers: Readonly<Record<string, string | number | object>>) {
  const asked: string[] = [];
  const ask = async (what: string, body: string, headers: WebQuestion['headers'] = {}) => {
    asked.push([what, body, ...Object.entries(headers).flat()].filter(Boolean).join(' '));
    const answer = answers[what] ?? 404;
    const text = typeof answer === 'object' ? JSON.stringify(answer) : `${answer}`;
    const status = typeof answer === 'number' ? answer : 200;
    return { status, headers: new Headers(), body: Buffer.from(text) };
  };
  const web = {
    get: (url: string, { headers }: WebQuestion) => ask(`GET ${url}`, '', headers),
    post: (url: string, body: string) => ask(`POST ${url}`, body),
    put: (url: string, body: string, { headers }: WebQuestion) => ask(`PUT ${url}`, body, headers),
  };
  const files = { read: async (file: string) => Buffer.from(`content of ${file}\n`) };
  return { asked, of: (env: AwsEnvironment) => awsCredentials('eu-west-1', env, web, files) };
}

describe('awsCredentials()', () => {
  test('awsCredentials() takes the keys of the environment before all else', async () => {
    const { asked, of } = aws({});
    const env = { AWS_ACCESS_KEY_ID: 'AKID', AWS_SECRET_ACCESS_KEY: 'secret' };
    expect(await of({ ...env, AWS_ROLE_ARN: 'r', AWS_WEB_IDENTITY_TOKEN_FILE: 'f' })).toEqual({
      ...KEYS,
      sessionToken: null,
      expiresAt: null,
    });
    expect(await of({ ...env, AWS_SESSION_TOKEN: 'session' })).toEqual({
      ...KEYS,
      expiresAt: null,
    });
    expect(asked).toEqual([]);
  });

  test('awsCredentials() asks STS by a web identity', async () => {
    const sts = 'POST https://sts.eu-west-1.amazonaws.com/';
    const xml = `<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>
      <AccessKeyId>AKID</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>
      <SessionToken>session</SessionToken><Expiration>${ENDS}</Expiration></Credentials>
      </AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`;
    const { asked, of } = aws({ [sts]: xml });
    const env = { AWS_ROLE_ARN: 'arn:aws:iam::1:role/r', AWS_WEB_IDENTITY_TOKEN_FILE: '/token' };
    expect(await of(env)).toEqual({ ...KEYS, ...EXPIRES });
    const [question = ''] = asked;
    expect(question.startsWith(`${sts} `)).toBe(true);
    expect(Object.fromEntries(new URLSearchParams(question.slice(sts.length + 1)))).toEqual({
      Action: 'AssumeRoleWithWebIdentity',
      Version: '2011-06-15',
      RoleArn: 'arn:aws:iam::1:role/r',
      RoleSessionName: 'sse-kafka-fanout',
      WebIdentityToken: 'content of /token',
    });
  });

  test('awsCredentials() asks the container, with what that gives to be shown', async () => {
    const eks = 'http://169.254.170.23/v1/credentials';
    const ecs = 'http://169.254.170.2/v2/credentials';
    const { asked, of } = aws({ [`GET ${eks}`]: JSON_KEYS, [`GET ${ecs}`]: JSON_KEYS });
    const file = { AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: '/pod' };
    expect(await of({ AWS_CONTAINER_CREDENTIALS_FULL_URI: eks, ...file })).toEqual({
      ...KEYS,
      ...EXPIRES,
    });
    await of({ AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: '/v2/credentials' });
    await of({
      AWS_CONTAINER_CREDENTIALS_FULL_URI: eks,
      AWS_CONTAINER_AUTHORIZATION_TOKEN: 'shown',
    });
    expect(asked).toEqual([
      `GET ${eks} authorization content of /pod`,
      `GET ${ecs}`,
      `GET ${eks} authorization shown`,
    ]);
  });

  test('awsCredentials() asks the instance, by the second version of its service', async () => {
    const host = 'http://169.254.169.254/latest';
    const roles = `${host}/meta-data/iam/security-credentials/`;
    const { asked, of } = aws({
      [`PUT ${host}/api/token`]: 'let me',
      [`GET ${roles}`]: 'role\n',
      [`GET ${roles}role`]: JSON_KEYS,
    });
    expect(await of({})).toEqual({ ...KEYS, ...EXPIRES });
    expect(asked).toEqual([
      `PUT ${host}/api/token x-aws-ec2-metadata-token-ttl-seconds 60`,
      `GET ${roles} x-aws-ec2-metadata-token let me`,
      `GET ${roles}role x-aws-ec2-metadata-token let me`,
    ]);
  });

  test.each<[AwsEnvironment, string | number | object, string]>([
    [{}, 403, 'the instance gives no AWS credentials: it answers 403'],
    [{ AWS_EC2_METADATA_DISABLED: 'true' }, 200, 'AWS gives no credentials'],
    [
      { AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://container' },
      { Code: 'no' },
      'the container gives no AWS credentials',
    ],
    [
      { AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://container' },
      'null',
      'the container gives no AWS credentials',
    ],
    [
      { AWS_ROLE_ARN: 'r', AWS_WEB_IDENTITY_TOKEN_FILE: 'f', AWS_ENDPOINT_URL_STS: 'http://sts' },
      '<ErrorResponse><Message>not you</Message></ErrorResponse>',
      'STS gives no AWS credentials',
    ],
  ])('awsCredentials() says in words why there are none: %j', async (env, answer, words) => {
    const { of } = aws({
      'PUT http://169.254.169.254/latest/api/token': answer,
      'GET http://container': answer,
      'POST http://sts': answer,
    });
    await expect(of(env)).rejects.toThrow(words);
  });
});
