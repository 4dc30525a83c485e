import { expect, test } from '@jest/globals';
import { brokerTrouble } from './broker_trouble.ts';

/** An error with a code, as Node's and those of @platformatic/kafka are. */
function failure(message: string, code: string, cause?: unknown): Error {
  return Object.assign(new Error(message, { cause }), { code });
}

function unreachable(broker: string, cause: Error): Error {
  return failure(`Connection to ${broker} failed.`, 'PLT_KFK_NETWORK', cause);
}

function answer(apiId: string): Error {
  const inner = Object.assign(failure('refused', 'PLT_KFK_PROTOCOL'), { apiId });
  return new AggregateError([inner], 'Received response with error while executing API');
}

const alert = 'error:0A000412:SSL routines:ssl3_read_bytes:sslv3 alert';

test.each([
  [answer('SASL_AUTHENTICATION_FAILED'), /^authentication: .*KAFKA_PASSWORD/],
  [new Error('SASL authentication error: Authentication failed'), /^authentication: .*KAFKA_PASSW/],
  [answer('UNSUPPORTED_SASL_MECHANISM'), /^authentication: .*KAFKA_SASL_MECHANISM/],
  [answer('ILLEGAL_SASL_STATE'), /^authentication: .*no sign-in/],
  [failure('certificate has expired', 'CERT_HAS_EXPIRED'), /^certificate: .*expired/],
  [failure('not yet', 'CERT_NOT_YET_VALID'), /^certificate: .*clocks/],
  [failure('altnames', 'ERR_TLS_CERT_ALTNAME_INVALID'), /^certificate: .*KAFKA_BROKERS/],
  [failure('first', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'), /^certificate: .*KAFKA_CA_FILE/],
  [failure('self-signed', 'SELF_SIGNED_CERT_IN_CHAIN'), /^certificate: .*KAFKA_CA_FILE/],
  [failure('signature', 'CERT_SIGNATURE_FAILURE'), /^certificate: .*KAFKA_CA_FILE/],
  [new Error('SSL handshake failed: certificate verify failed'), /^certificate: .*its dates/],
  [failure(`${alert} bad certificate`, 'EPROTO'), /^certificate: .*KAFKA_CERT_FILE and KAFKA_KEY/],
  [new Error('received fatal alert: BadCertificate'), /^certificate: .*KAFKA_CERT_FILE and KAFKA_/],
  [failure(`${alert} certificate unknown`, 'EPROTO'), /^certificate: .*dates of KAFKA_CERT_FILE/],
  [new Error('received fatal alert: CertificateUnknown'), /^certificate: .*dates of KAFKA_CERT_/],
  [new Error('TLS handshake failed. Please verify the broker supports TLS.'), /KAFKA_TLS=false/],
  [failure('Broker requires TLS.', 'PLT_KFK_USER'), /KAFKA_TLS=true/],
  [
    failure('Connection closed', 'PLT_KFK_NETWORK'),
    /close.*KAFKA_TLS, KAFKA_CERT_FILE and KAFKA_SASL/,
  ],
  [
    failure('connect ECONNREFUSED ::1:1', 'ECONNREFUSED'),
    /do not answer .connect ECONNREFUSED ::1/,
  ],
  ['no words at all', /do not answer .no words at all.*KAFKA_BROKERS/],
])('brokerTrouble() tells what %s means, however deep it stands', (error, words) => {
  const deep = new AggregateError([unreachable('kafka:9093', error as Error)], 'No broker.');
  for (const one of [error, deep]) {
    const trouble = brokerTrouble(one, 'events', 'any');
    expect(trouble?.words).toMatch(words);
    expect(trouble?.up).toBe(false);
  }
});

test('brokerTrouble() names the broker with the trouble that says most', () => {
  const down = unreachable('one:9092', failure('connect ECONNREFUSED', 'ECONNREFUSED'));
  const expired = unreachable('two:9092', failure('certificate has expired', 'CERT_HAS_EXPIRED'));
  const { words } = brokerTrouble(
    new AggregateError([down, expired], 'No broker.'),
    'events',
    'any',
  )!;
  expect(words).toMatch(/^certificate: .*expired.*two:9092/);
});

test('brokerTrouble() says which address the brokers gave where that leads nowhere', () => {
  const reason = failure('getaddrinfo ENOTFOUND kafka.invalid', 'ENOTFOUND');
  const cause = unreachable('kafka.invalid:30310', reason);
  const error = new Error('the brokers send their clients to kafka.invalid:30310', { cause });
  expect(brokerTrouble(error, 'events', 'one')).toEqual({
    up: true,
    words: expect.stringMatching(
      /^advertised address: KAFKA_BROKERS is right.* kafka.invalid:30310.*ENOTFOUND.*advertised.listeners/,
    ),
  });
  const cert = unreachable('kafka:9093', failure('altnames', 'ERR_TLS_CERT_ALTNAME_INVALID'));
  const other = new Error('the brokers send their clients to kafka:9093', { cause: cert });
  expect(brokerTrouble(other, 'events', 'one')!.words).toMatch(/^certificate: /);
});

test('brokerTrouble() names the version of brokers that are too old', () => {
  const old = new Error('the brokers are older than Kafka 2.3 (of request 3 they know version 5)');
  expect(
    brokerTrouble(new AggregateError([old, old], 'no broker answers'), 'events', 'any'),
  ).toEqual({
    up: false,
    words: expect.stringMatching(/^version: .*older than Kafka 2.3 .*update/),
  });
});

test('brokerTrouble() names the broker that the Confluent client names', () => {
  const line = 'ssl://two:9092/2: SSL handshake failed: certificate verify failed';
  expect(brokerTrouble(new Error(line), 'events', 'any')!.words).toMatch(/two:9092/);
});

test.each([answer('TOPIC_AUTHORIZATION_FAILED'), new Error('Broker: Topic authorization failed')])(
  'brokerTrouble() takes brokers that refuse a topic as up: %s',
  (error) => {
    const trouble = brokerTrouble(error, 'events', 'any');
    expect(trouble).toEqual({
      up: true,
      words: expect.stringMatching(/^authorization: .*events.*READ/),
    });
  },
);

test.each([
  ['partition 3 of events has no leader', /^partition 3 of events has no leader: see/],
  [
    'partition 3 cannot be read from 7 on: why',
    /^records of topic events: partition 3 .* why: look/,
  ],
])('brokerTrouble() takes brokers as up where %s', (message, words) => {
  expect(brokerTrouble(new Error(message), 'events', 'any')).toEqual({
    up: true,
    words: expect.stringMatching(words),
  });
});

test.each([answer('NOT_LEADER_OR_FOLLOWER'), new Error('Broker: Unknown topic or partition')])(
  'brokerTrouble() finds none in an answer about a topic: %s',
  (error) => {
    expect(brokerTrouble(error, 'events', 'any')).toBeNull();
  },
);
