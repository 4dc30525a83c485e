import { Application } from '../../app/auth/application.ts';
import type { Config } from '../../app/config/config.ts';
import { ConfigError } from '../../app/errors.ts';
import { createWebClient } from './web_client.ts';

/**
 * Asks the application of `SIGN_IN_URL` for whoever shows nothing.
 * @throws ConfigError where it lets that in: it would let in everybody.
 */
export async function checkApplication(
  config: Pick<Config, 'signInUrl' | 'caFile'>,
): Promise<void> {
  const { signInUrl } = config;
  if (signInUrl === null) return;
  if (!(await new Application(signInUrl, createWebClient(config)).letsInAnybody())) return;
  const expected =
    'an address that refuses whoever shows neither cookie nor token; this lets in all';
  throw new ConfigError([{ setting: 'SIGN_IN_URL', expected, got: signInUrl }]);
}
