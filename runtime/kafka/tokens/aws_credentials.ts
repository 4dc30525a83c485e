import { Buffer } from 'node:buffer';
import type { Files } from '../../../app/ports/files.ts';
import type { WebAnswer, WebQuestion } from '../../../app/ports/web.ts';
import type { AwsCredentials } from './msk_token.ts';
import type { Poster } from './oauth_tokens.ts';

const QUESTION = { timeoutMs: 4000, maxBytes: 256 * 1024 };
const MAX_TOKEN_BYTES = 64 * 1024;
/** Of ECS: https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html */
const CONTAINER_HOST = 'http://169.254.170.2';
/** Of EC2: https://docs.aws.amazon.com/sdkref/latest/guide/feature-imds-credentials.html */
const INSTANCE_HOST = 'http://169.254.169.254';
const INSTANCE_ROLES = '/latest/meta-data/iam/security-credentials/';

/** What stands in the environment, by the names that all of AWS uses; empty counts as unset. */
export type AwsEnvironment = Readonly<Record<string, string | undefined>>;

/** How AWS is asked. */
export interface AwsWeb extends Poster {
  get(url: string, question: WebQuestion): Promise<WebAnswer>;
  put(url: string, body: string, question: WebQuestion): Promise<WebAnswer>;
}

/**
 * Who this machine, container or pod is to AWS, from the first of: keys in the environment, a web identity
 * (EKS, IRSA), the container (EKS pod identity, ECS), the instance (EC2).
 * @throws Error that says in words why that is not known.
 */
export async function awsCredentials(
  region: string,
  env: AwsEnvironment,
  web: AwsWeb,
  files: Files,
): Promise<AwsCredentials> {
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = env;
  if (AWS_ACCESS_KEY_ID && AWS_SECRET_ACCESS_KEY) {
    return {
      accessKeyId: AWS_ACCESS_KEY_ID,
      secretAccessKey: AWS_SECRET_ACCESS_KEY,
      sessionToken: AWS_SESSION_TOKEN || null,
      expiresAt: null,
    };
  }
  const { AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN } = env;
  if (AWS_WEB_IDENTITY_TOKEN_FILE && AWS_ROLE_ARN) {
    return ofWebIdentity(region, env, AWS_ROLE_ARN, AWS_WEB_IDENTITY_TOKEN_FILE, web, files);
  }
  const { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, AWS_CONTAINER_CREDENTIALS_FULL_URI } = env;
  const url = AWS_CONTAINER_CREDENTIALS_RELATIVE_URI
    ? `${CONTAINER_HOST}${AWS_CONTAINER_CREDENTIALS_RELATIVE_URI}`
    : AWS_CONTAINER_CREDENTIALS_FULL_URI;
  return url ? ofContainer(url, env, web, files) : ofInstance(env, web);
}

/** https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html */
async function ofWebIdentity(
  region: string,
  env: AwsEnvironment,
  role: string,
  tokenFile: string,
  web: AwsWeb,
  files: Files,
): Promise<AwsCredentials> {
  const suffix = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
  const url = env['AWS_ENDPOINT_URL_STS'] || `https://sts.${region}.${suffix}/`;
  const body = new URLSearchParams({
    Action: 'AssumeRoleWithWebIdentity',
    Version: '2011-06-15',
    RoleArn: role,
    RoleSessionName: env['AWS_ROLE_SESSION_NAME'] || 'sse-kafka-fanout',
    WebIdentityToken: await readText(files, tokenFile),
  });
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const text = textOf('STS', await web.post(url, `${body}`, { ...QUESTION, headers }));
  const field = (name: string): unknown => new RegExp(`<${name}>([^<]+)</${name}>`).exec(text)?.[1];
  return credentialsOf('STS', {
    AccessKeyId: field('AccessKeyId'),
    SecretAccessKey: field('SecretAccessKey'),
    Token: field('SessionToken'),
    Expiration: field('Expiration'),
  });
}

async function ofContainer(
  url: string,
  env: AwsEnvironment,
  web: AwsWeb,
  files: Files,
): Promise<AwsCredentials> {
  const file = env['AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE'];
  const authorization = file
    ? await readText(files, file)
    : env['AWS_CONTAINER_AUTHORIZATION_TOKEN'];
  const headers: Record<string, string> = authorization ? { authorization } : {};
  const answer = await web.get(url, { ...QUESTION, headers });
  return credentialsOf('the container', jsonOf(textOf('the container', answer)));
}

/** By the second version of the service, which asks for a token first. */
async function ofInstance(env: AwsEnvironment, web: AwsWeb): Promise<AwsCredentials> {
  if (env['AWS_EC2_METADATA_DISABLED']?.toLowerCase() === 'true') {
    throw new Error(
      'AWS gives no credentials: no keys, no web identity, no container, no instance',
    );
  }
  const who = 'the instance';
  const host = env['AWS_EC2_METADATA_SERVICE_ENDPOINT']?.replace(/\/$/, '') || INSTANCE_HOST;
  const ttl = { 'x-aws-ec2-metadata-token-ttl-seconds': '60' };
  const token = textOf(
    who,
    await web.put(`${host}/latest/api/token`, '', { ...QUESTION, headers: ttl }),
  );
  const question = { ...QUESTION, headers: { 'x-aws-ec2-metadata-token': token } };
  const [role = ''] = textOf(who, await web.get(`${host}${INSTANCE_ROLES}`, question)).split('\n');
  const answer = await web.get(`${host}${INSTANCE_ROLES}${role.trim()}`, question);
  return credentialsOf(who, jsonOf(textOf(who, answer)));
}

function textOf(who: string, { status, body }: WebAnswer): string {
  const text = Buffer.from(body).toString('utf8');
  if (status === 200) return text;
  const [, why = ''] = /<Message>([^<]+)</.exec(text) ?? [];
  throw new Error(`${who} gives no AWS credentials: it answers ${status} ${why}`.trim());
}

async function readText(files: Files, file: string): Promise<string> {
  return Buffer.from(await files.read(file, MAX_TOKEN_BYTES))
    .toString('utf8')
    .trim();
}

function jsonOf(text: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}

function credentialsOf(
  who: string,
  { AccessKeyId, SecretAccessKey, Token, Expiration }: Readonly<Record<string, unknown>>,
): AwsCredentials {
  if (typeof AccessKeyId !== 'string' || typeof SecretAccessKey !== 'string') {
    throw new Error(`${who} gives no AWS credentials`);
  }
  const ends = Date.parse(`${Expiration}`);
  return {
    accessKeyId: AccessKeyId,
    secretAccessKey: SecretAccessKey,
    sessionToken: typeof Token === 'string' ? Token : null,
    expiresAt: Number.isNaN(ends) ? null : ends,
  };
}
