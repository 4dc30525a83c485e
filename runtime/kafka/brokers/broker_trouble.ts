/** What keeps the brokers from being used. */
export interface BrokerTrouble {
  /** What is wrong, and what to do about it. */
  readonly words: string;
  /** Whether the brokers answer and take the login all the same. */
  readonly up: boolean;
}

/** Tells a trouble by what the clients and the runtimes say of it; the first that fits counts. */
const TROUBLES: readonly (readonly [sign: RegExp, words: string])[] = [
  [
    /UNSUPPORTED_SASL_MECHANISM|unsupported sasl mechanism/i,
    'authentication: the brokers do not know this way to sign in: set KAFKA_SASL_MECHANISM to one that they have enabled',
  ],
  [
    /ILLEGAL_SASL_STATE/,
    'authentication: this port of the brokers takes no sign-in: leave KAFKA_SASL_MECHANISM, KAFKA_USERNAME and KAFKA_PASSWORD away, or set another port in KAFKA_BROKERS',
  ],
  [
    /SASL_AUTHENTICATION_FAILED|SASL authentication (failed|error)|authentication failure/i,
    'authentication: the brokers refuse the user, the password or the token: check KAFKA_USERNAME, KAFKA_PASSWORD, what makes the tokens, and KAFKA_SASL_MECHANISM',
  ],
  [/CERT_HAS_EXPIRED/, 'certificate: that of the brokers has expired: renew it there'],
  [
    /CERT_NOT_YET_VALID/,
    'certificate: that of the brokers is not valid yet: check the clocks of both machines',
  ],
  [
    /ERR_TLS_CERT_ALTNAME_INVALID/,
    'certificate: that of the brokers is for another host: set KAFKA_BROKERS, and advertised.listeners of the brokers, to names that stand in it',
  ],
  [
    /UNABLE_TO_|SELF_SIGNED|CERT_SIGNATURE_FAILURE|CERT_UNTRUSTED|INVALID_CA/,
    'certificate: that of the brokers is not signed by an authority that is trusted here: set KAFKA_CA_FILE to the file of their authority',
  ],
  [
    // The Confluent client says no more.
    /certificate verify failed/,
    'certificate: that of the brokers cannot be verified: check its dates, its names and KAFKA_CA_FILE',
  ],
  [
    /alert (bad certificate|handshake failure)|alert number 116|BadCertificate|HandshakeFailure|CertificateRequired/i,
    'certificate: the brokers ask for one of the gateway: set KAFKA_CERT_FILE and KAFKA_KEY_FILE',
  ],
  [
    /alert (certificate|unknown ca|unsupported certificate)|alert: (Certificate|UnknownCA|UnsupportedCert)/i,
    'certificate: the brokers refuse that of the gateway: check the authority and the dates of KAFKA_CERT_FILE',
  ],
  [
    /verify the broker supports TLS|before secure TLS connection|PLAINTEXT broker listener|wrong version number/,
    'TLS: this port of the brokers does not speak it: set KAFKA_TLS=false, or another port in KAFKA_BROKERS',
  ],
  [/Broker requires TLS/, 'TLS: this port of the brokers asks for it: set KAFKA_TLS=true'],
  [
    /connection closed|disconnected/i,
    'the brokers do not answer, they close the connection: check that KAFKA_TLS, KAFKA_CERT_FILE and KAFKA_SASL_MECHANISM are what this port asks for',
  ],
];

/** The brokers answered, with an error that is none of theirs to mend: the topic is gone, or moved. */
const ANSWERED = /PLT_KFK_PROTOCOL|Unknown (topic|partition)|^Broker: /;

const NO_TOKEN = /no token for the brokers: .*/;
const TOO_OLD = /^the brokers are older than .*/m;

/**
 * What an error of a client means; `null` where the brokers did answer.
 * @param asked whether any broker had the answer, or one alone
 */
export function brokerTrouble(
  error: unknown,
  topic: string,
  asked: 'any' | 'one',
): BrokerTrouble | null {
  const chains = chainsOf(error);
  if (chains.some((chain) => /topic.authorization.failed/i.test(chain))) {
    const words = `authorization: no right to read topic ${topic}: allow READ and DESCRIBE_CONFIGS on it to the user of the gateway`;
    return { words, up: true };
  }
  const noToken = chains.flatMap((chain) => NO_TOKEN.exec(chain)?.[0] ?? [])[0];
  if (noToken !== undefined) return { words: `authentication: ${noToken}`, up: false };
  for (const [sign, words] of TROUBLES) {
    const chain = chains.find((one) => sign.test(one));
    if (chain !== undefined) return { words: `${words}${brokerOf(chain)}`, up: false };
  }
  const [unreadable] = chains.flatMap(
    (chain) => /^partition \d+ cannot be read .*/.exec(chain) ?? [],
  );
  if (unreadable !== undefined) {
    const words = `records of topic ${topic}: ${unreadable}: look at the disk of its broker; once they are deleted there up to the next ones, reading goes on`;
    return { words, up: true };
  }
  const tooOld = chains.find((chain) => TOO_OLD.test(chain));
  if (tooOld !== undefined) {
    return { words: `version: ${TOO_OLD.exec(tooOld)![0]}: update them`, up: false };
  }
  const [leaderless] = chains.flatMap((chain) => /^partition .* has no leader/.exec(chain) ?? []);
  if (leaderless !== undefined) {
    return { words: `${leaderless}: see that the brokers which have it run`, up: true };
  }
  if (chains.some((chain) => ANSWERED.test(chain))) return null;
  const reason = chains[0]!
    .split('\n')
    .at(-1)!
    .replace(/ PLT_KFK_\w+/, '');
  const [, advertised] = /^the brokers send their clients to (\S+)/m.exec(chains[0]!) ?? [];
  if (advertised !== undefined) {
    const words =
      `advertised address: KAFKA_BROKERS is right, the brokers answer there, but they send their clients to ${advertised}, ` +
      `which cannot be reached from here (${reason}): set advertised.listeners of that broker to an address that can, or start it if it does not run`;
    return { words, up: true };
  }
  const who = asked === 'any' ? 'the brokers do not answer' : 'a broker does not answer';
  const words = `${who} (${reason}): check KAFKA_BROKERS, and that they run`;
  return { words, up: false };
}

/** What an error says, with its causes, outermost first; a text for each that happened beside others. */
function chainsOf(error: unknown): string[] {
  if (!(error instanceof Error)) return [String(error)];
  const { code, apiId } = error as { code?: unknown; apiId?: unknown };
  const names = [code, apiId].filter((name) => typeof name === 'string');
  const own = [error.message, ...names.filter((name) => !error.message.includes(name))].join(' ');
  const inner = error instanceof AggregateError ? error.errors : error.cause ? [error.cause] : [];
  return inner.length === 0 ? [own] : inner.flatMap(chainsOf).map((chain) => `${own}\n${chain}`);
}

/** Which of the brokers it is, where the client says so. */
function brokerOf(chain: string): string {
  const [, broker] = /(?:Connection to |ssl:\/\/)(\S+?:\d+)/.exec(chain) ?? [];
  return broker === undefined ? '' : ` (${broker})`;
}
