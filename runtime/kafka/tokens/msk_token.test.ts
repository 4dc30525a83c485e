import { Buffer } from 'node:buffer';
import { Sha256 } from '@aws-crypto/sha256-js';
import { describe, expect, test } from '@jest/globals';
import { HttpRequest } from '@smithy/protocol-http';
import { SignatureV4 } from '@smithy/signature-v4';
import { AwsV4Signer } from 'aws4fetch';
import { mskToken } from './msk_token.ts';

const KEYS = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
};
const NOW = Date.UTC(2015, 7, 30, 12, 36, 0);

function addressIn(token: string): URL {
  expect(token).toMatch(/^[\w-]+$/);
  return new URL(Buffer.from(token, 'base64url').toString('utf8'));
}

describe('mskToken()', () => {
  test.each([
    [null, 'eu-central-1'],
    ['IQoJb3JpZ2luX2VjE+/= &', 'cn-north-1'],
  ])(
    'mskToken() is what the signer of AWS makes (session %j, %s)',
    async (sessionToken, region) => {
      const { value, expiresAt } = await mskToken(
        region,
        { ...KEYS, sessionToken, expiresAt: null },
        'gateway',
        NOW + 321,
      );
      expect(expiresAt).toBe(NOW + 900_000);
      const hostname = `kafka.${region}.amazonaws.com`;
      const signer = new SignatureV4({
        service: 'kafka-cluster',
        region,
        credentials: { ...KEYS, ...(sessionToken === null ? {} : { sessionToken }) },
        sha256: Sha256,
      });
      const signed = await signer.presign(
        new HttpRequest({
          method: 'GET',
          protocol: 'https:',
          hostname,
          path: '/',
          headers: { host: hostname },
          query: { Action: 'kafka-cluster:Connect' },
        }),
        { expiresIn: 900, signingDate: new Date(NOW) },
      );
      const { hostname: host, pathname, searchParams } = addressIn(value);
      expect([host, pathname]).toEqual([hostname, '/']);
      expect(Object.fromEntries(searchParams)).toEqual({
        ...signed.query,
        'User-Agent': 'gateway',
      });
    },
  );

  test('mskToken() is over no later than who it is for', async () => {
    const credentials = { ...KEYS, sessionToken: null, expiresAt: NOW + 60_000 };
    expect((await mskToken('eu-west-1', credentials, 'gateway', NOW)).expiresAt).toBe(NOW + 60_000);
  });
});

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-test-suite.html (get-vanilla)
test('AwsV4Signer signs a request as AWS has published it', async () => {
  const signer = new AwsV4Signer({
    ...KEYS,
    url: 'https://example.amazonaws.com/',
    service: 'service',
    region: 'us-east-1',
    datetime: '20150830T123600Z',
  });
  expect((await signer.sign()).headers.get('authorization')).toBe(
    'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, ' +
      'SignedHeaders=host;x-amz-date, ' +
      'Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31',
  );
});

// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
test('AwsV4Signer signs an address as AWS has published it', async () => {
  const signer = new AwsV4Signer({
    accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
    secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
    url: 'https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Expires=86400',
    service: 's3',
    region: 'us-east-1',
    signQuery: true,
    datetime: '20130524T000000Z',
  });
  expect((await signer.sign()).url.searchParams.get('X-Amz-Signature')).toBe(
    'aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404',
  );
});
