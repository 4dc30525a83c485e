import { Buffer } from 'node:buffer';
import { AwsV4Signer } from 'aws4fetch';
import type { Token } from './token_source.ts';

/** As long as the brokers of MSK take one. */
const LIFE_SECONDS = 900;

/** What AWS knows somebody by. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string | null;
  /** Unix milliseconds; `null`: they do not end. */
  readonly expiresAt: number | null;
}

/**
 * A token for the brokers of Amazon MSK: the address of a request to them, signed and then written in
 * base64url (https://github.com/aws/aws-msk-iam-auth#details).
 * @param now Unix milliseconds
 */
export async function mskToken(
  region: string,
  { accessKeyId, secretAccessKey, sessionToken, expiresAt }: AwsCredentials,
  userAgent: string,
  now: number = Date.now(),
): Promise<Token> {
  const url = new URL(`https://kafka.${region}.amazonaws.com/`);
  url.searchParams.set('Action', 'kafka-cluster:Connect');
  url.searchParams.set('X-Amz-Expires', `${LIFE_SECONDS}`);
  const signer = new AwsV4Signer({
    url: `${url}`,
    accessKeyId,
    secretAccessKey,
    ...(sessionToken === null ? {} : { sessionToken }),
    service: 'kafka-cluster',
    region,
    signQuery: true,
    datetime: new Date(now).toISOString().replace(/[:-]|\.\d{3}/g, ''),
  });
  const signed = (await signer.sign()).url;
  // It is not signed.
  signed.searchParams.set('User-Agent', userAgent);
  const ends = now - (now % 1000) + LIFE_SECONDS * 1000;
  return {
    value: Buffer.from(`${signed}`).toString('base64url'),
    expiresAt: Math.min(ends, expiresAt ?? ends),
  };
}
