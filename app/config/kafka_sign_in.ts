import type { ConfigFault } from '../errors.ts';

/** The ways in which the gateway signs in to the brokers. */
export const SASL_MECHANISMS = [
  'PLAIN',
  'SCRAM-SHA-256',
  'SCRAM-SHA-512',
  'OAUTHBEARER',
  'AWS_MSK_IAM',
] as const;

const PASSWORD = ['KAFKA_SASL_MECHANISM', 'KAFKA_USERNAME', 'KAFKA_PASSWORD'];
const ASKED = ['KAFKA_OAUTH_TOKEN_URL', 'KAFKA_OAUTH_CLIENT_ID'];
const PROOFS = ['KAFKA_OAUTH_CLIENT_SECRET', 'KAFKA_OAUTH_ASSERTION_FILE'];
const TOKEN_FILE = 'KAFKA_OAUTH_TOKEN_FILE';
const OF_ASKING = [...ASKED, ...PROOFS, 'KAFKA_OAUTH_PARAMETERS'];
const OF_OAUTH = [...OF_ASKING, TOKEN_FILE, 'KAFKA_OAUTH_EXTENSIONS'];

/** What of the environment tells AWS who the gateway is, by the names that all of AWS uses. */
export const AWS_NAMES = [
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AWS_ROLE_ARN',
  'AWS_ROLE_SESSION_NAME',
  'AWS_WEB_IDENTITY_TOKEN_FILE',
  'AWS_ENDPOINT_URL_STS',
  'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
  'AWS_CONTAINER_CREDENTIALS_FULL_URI',
  'AWS_CONTAINER_AUTHORIZATION_TOKEN',
  'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE',
  'AWS_EC2_METADATA_DISABLED',
  'AWS_EC2_METADATA_SERVICE_ENDPOINT',
];

/** What the sign-in to the brokers lacks, or has too much of. */
export function kafkaSignInTogether(
  mechanism: string | undefined,
  isGiven: (name: string) => boolean,
  kafkaTls: boolean | undefined,
): ConfigFault[] {
  const faults: ConfigFault[] = [];
  const fault = (setting: string, expected: string): void => {
    faults.push({ setting, expected });
  };
  const needs = (names: readonly string[], beside: string): void => {
    for (const name of names) if (!isGiven(name)) fault(name, `a value beside ${beside}`);
  };
  const oauth = OF_OAUTH.filter(isGiven);
  if (mechanism === 'OAUTHBEARER') {
    if (isGiven(TOKEN_FILE)) {
      const others = OF_ASKING.filter(isGiven);
      if (others.length > 0) fault(TOKEN_FILE, `no value beside ${others.join(' and ')}`);
    } else if (!OF_ASKING.some(isGiven)) {
      fault('KAFKA_OAUTH_TOKEN_URL', `a value here, or in ${TOKEN_FILE}, beside OAUTHBEARER`);
    } else {
      needs(ASKED, 'OAUTHBEARER');
      const proofs = PROOFS.filter(isGiven);
      if (proofs.length !== 1) fault(PROOFS[0]!, `a value either here or in ${PROOFS[1]}`);
    }
    return faults;
  }
  if (oauth.length > 0) fault('KAFKA_SASL_MECHANISM', `OAUTHBEARER beside ${oauth.join(' and ')}`);
  if (mechanism === 'AWS_MSK_IAM') {
    needs(['AWS_REGION'], 'AWS_MSK_IAM');
    if (kafkaTls === false) fault('KAFKA_TLS', 'true beside AWS_MSK_IAM');
    return faults;
  }
  const present = PASSWORD.filter(isGiven);
  if (present.length > 0) needs(PASSWORD, present.join(' and '));
  return faults;
}
