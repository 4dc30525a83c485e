import type { ConfigFault } from '../errors.ts';
import { isSecretAlgorithm } from './token_algorithms.ts';

/** The settings of the sign-in that depend on each other. */
interface SignInSettings {
  readonly jwtIssuer?: string | null;
  readonly jwtAlgorithms?: readonly string[] | null;
  readonly jwtQuery?: boolean;
}

const OF_TOKENS = [
  'JWT_AUDIENCE',
  'JWT_JWKS_URL',
  'JWT_KEYS_FILE',
  'JWT_SECRET_FILE',
  'JWT_ALGORITHMS',
  'JWT_COOKIE',
  'JWT_QUERY',
];
const KEYS = ['JWT_JWKS_URL', 'JWT_KEYS_FILE', 'JWT_SECRET_FILE'];

/** Whoever sets a part of a sign-in does not want everybody to read: what is not whole is a fault. */
export function signInTogether(
  isThere: (name: string) => boolean,
  { jwtIssuer, jwtAlgorithms, jwtQuery }: SignInSettings,
): ConfigFault[] {
  // Of a flag alone `false` is as good as nothing: `REQUIRE=false` lets nobody read.
  const isGiven = (name: string): boolean =>
    isThere(name) && !(name === 'JWT_QUERY' && jwtQuery === false);
  const faults: ConfigFault[] = [];
  const fault = (setting: string, expected: string): void => {
    faults.push({ setting, expected });
  };
  if (!isGiven('JWT_ISSUER')) {
    const needing = isGiven('SIGN_IN_URL') ? OF_TOKENS : [...OF_TOKENS, 'REQUIRE'];
    const alone = needing.filter(isGiven);
    if (alone.length > 0) fault('JWT_ISSUER', `a value beside ${alone.join(' and ')}`);
    return faults;
  }
  if (isGiven('SIGN_IN_URL')) fault('SIGN_IN_URL', 'no value beside JWT_ISSUER: one of the two');
  if (!isGiven('JWT_AUDIENCE')) fault('JWT_AUDIENCE', 'a value beside JWT_ISSUER');
  const sources = KEYS.filter(isGiven);
  if (sources.length > 1)
    fault(sources[0]!, `no other source of keys beside ${sources.slice(1).join(' and ')}`);
  if (sources.length === 0 && jwtIssuer && !isWebAddress(jwtIssuer)) {
    fault('JWT_ISSUER', `an address that says where its keys are, or one of ${KEYS.join(', ')}`);
  }
  const takesSecret = isGiven('JWT_SECRET_FILE');
  if (jwtAlgorithms?.some((name) => isSecretAlgorithm(name) !== takesSecret)) {
    const expected = takesSecret
      ? 'HS256, HS384, HS512 alone with JWT_SECRET_FILE'
      : 'none of HS256, HS384, HS512 without JWT_SECRET_FILE';
    fault('JWT_ALGORITHMS', expected);
  }
  return faults;
}

function isWebAddress(text: string): boolean {
  return /^https?:\/\//.test(text) && URL.canParse(text);
}
