import type { Config } from '../../../app/config/config.ts';
import { LOCAL_FILES } from '../../process/local_files.ts';
import { createWebClient, type WebClient } from '../../process/web_client.ts';
import { awsCredentials } from './aws_credentials.ts';
import { type AwsCredentials, mskToken } from './msk_token.ts';
import { askToken, tokenOfFile } from './oauth_tokens.ts';
import { TokenSource } from './token_source.ts';

/** They are asked for anew this long before they end. */
const CREDENTIALS_LEFT_MS = 300_000;

/** The tokens that the settings say; `null` where none are needed. */
export function createTokens(config: Config, userAgent: string): TokenSource | null {
  const { kafkaSaslMechanism, kafkaOauthTokenFile: file } = config;
  if (kafkaSaslMechanism === 'AWS_MSK_IAM') return new TokenSource(askAws(config, userAgent));
  if (kafkaSaslMechanism !== 'OAUTHBEARER') return null;
  if (file !== null) return new TokenSource(() => tokenOfFile(LOCAL_FILES, file));
  const credentials = {
    url: config.kafkaOauthTokenUrl!,
    clientId: config.kafkaOauthClientId!,
    secret: config.kafkaOauthClientSecret,
    assertionFile: config.kafkaOauthAssertionFile,
    parameters: config.kafkaOauthParameters ?? [],
  };
  const web = onceMade(config);
  return new TokenSource(() => askToken(web(), LOCAL_FILES, credentials));
}

function askAws(config: Config, userAgent: string): () => ReturnType<typeof mskToken> {
  const region = config.awsRegion!;
  const web = onceMade(config);
  let known: AwsCredentials | null = null;
  return async () => {
    const ends = known?.expiresAt ?? Number.POSITIVE_INFINITY;
    if (known === null || ends - Date.now() < CREDENTIALS_LEFT_MS) {
      known = await awsCredentials(region, config.aws, web(), LOCAL_FILES);
    }
    return mskToken(region, known, userAgent);
  };
}

/** Its authorities are read from a file. */
function onceMade(config: Config): () => WebClient {
  let web: WebClient | null = null;
  return () => {
    web ??= createWebClient(config);
    return web;
  };
}
