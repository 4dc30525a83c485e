import { pbkdf2Sync, randomBytes, X509Certificate } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { connect } from 'node:tls';
import { type Broker, startBroker } from '../../runtime/embedded_kafka/broker.ts';
import { Admin, ConfigResourceTypes } from '../../runtime/kafka/protocol/platformatic_on_node20.ts';
import { Authority, type KeyPair, type Subject } from './authority.ts';
import { eventually, within } from './deadline.ts';
import { freePort } from './free_port.ts';
import { newDataDir } from './own_kafka.ts';
import { Relay } from './relay.ts';
import { timed } from './times.ts';

// After the file above, which supplies what it lacks on Node 20.
const {
  AclOperations,
  AclPermissionTypes,
  alterUserScramCredentialsV0,
  Connection,
  describeUserScramCredentialsV0,
  IncrementalAlterConfigOperationTypes,
  ResourcePatternTypes,
  ResourceTypes,
} = await import('@platformatic/kafka');

const START_MS = 120_000;
/** The fewest that Kafka takes. */
const SCRAM_ITERATIONS = 4096;

/** Ways in beside the plain one, each through a relay; on MTLS clients have to show a certificate. */
const LISTENERS = {
  TLS: 'SSL',
  MTLS: 'SSL',
  SASL: 'SASL_PLAINTEXT',
  SASL_TLS: 'SASL_SSL',
} as const;
export type Listener = keyof typeof LISTENERS;
type Relays = Readonly<Record<Listener, Relay>>;
const LISTENER_NAMES = Object.keys(LISTENERS) as Listener[];

/** Numbers of the protocol. */
const SCRAM = {
  'SCRAM-SHA-256': { number: 1, hash: 'sha256', bytes: 32 },
  'SCRAM-SHA-512': { number: 2, hash: 'sha512', bytes: 64 },
} as const;
export type ScramMechanism = keyof typeof SCRAM;

export type Right = 'READ' | 'DESCRIBE' | 'DESCRIBE_CONFIGS';

/** Who may sign in by PLAIN: Kafka knows these from its start on. */
export const PLAIN_USER = { name: 'plain-user', password: 'plain,pass="word\\' } as const;

/**
 * A Kafka with TLS, sign-in and rights. Its plain listener is for the tests: whoever comes there may
 * do everything, as may those of the TLS listener; all others only what they were given.
 */
export class SecuredKafka implements AsyncDisposable {
  /** Of the plain listener. */
  readonly brokers: string;
  /** Signs the certificates that the listeners have in the beginning. */
  readonly authority: Authority;
  readonly #relays: Relays;
  readonly #dataDir: string;
  readonly #broker: Broker;
  readonly #admin: InstanceType<typeof Admin>;
  #iterations = SCRAM_ITERATIONS;

  static async start(): Promise<SecuredKafka> {
    const dataDir = await newDataDir();
    const authority = await Authority.create();
    const own = await writePem(dataDir, await authority.issue({ name: 'localhost' }));
    const authorities = join(dataDir, 'authority.pem');
    await writeFile(authorities, authority.cert);
    const port = await freePort();
    const controllerPort = await freePort();
    const listeners = [`PLAINTEXT://127.0.0.1:${port}`, `CONTROLLER://127.0.0.1:${controllerPort}`];
    const advertised = [`PLAINTEXT://localhost:${port}`];
    const relays: Partial<Record<Listener, Relay>> = {};
    for (const name of LISTENER_NAMES) {
      const behind = await freePort();
      relays[name] = await Relay.start(behind);
      listeners.push(`${name}://127.0.0.1:${behind}`);
      advertised.push(`${name}://localhost:${relays[name].port}`);
    }
    // A session that goes on would show no certificate: with this they end when that changes.
    process.env['JAVA_TOOL_OPTIONS'] = '-Djdk.tls.server.enableSessionTicketExtension=false';
    const starting = startBroker({
      port,
      controllerPort,
      dataDir,
      properties: {
        listeners: listeners.join(),
        'advertised.listeners': advertised.join(),
        'listener.security.protocol.map': [
          'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
          ...LISTENER_NAMES.map((name) => `${name}:${LISTENERS[name]}`),
        ].join(),
        ...tlsProperties(own, authorities),
        ...saslProperties(),
        // Each of a listener's takes another certificate when it comes to it.
        'num.network.threads': '1',
        'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
        'super.users': 'User:ANONYMOUS',
      },
      signal: AbortSignal.timeout(START_MS),
      onProgress: () => {},
    });
    const broker = await timed('kafka', 'secured', () =>
      within('a secured Kafka to start', starting, START_MS),
    );
    return new SecuredKafka(authority, relays as Relays, dataDir, broker);
  }

  private constructor(authority: Authority, relays: Relays, dataDir: string, broker: Broker) {
    this.brokers = broker.brokers;
    this.authority = authority;
    this.#relays = relays;
    this.#dataDir = dataDir;
    this.#broker = broker;
    this.#admin = new Admin({ clientId: 'sse-kafka-test', bootstrapBrokers: [this.brokers] });
  }

  /** The way to a listener. */
  relay(listener: Listener): Relay {
    return this.#relays[listener];
  }

  /** Writes a file of its own that a setting may name: cases run side by side. @returns its path */
  async file(ending: string, content: string): Promise<string> {
    const path = join(this.#dataDir, `${randomBytes(8).toString('hex')}.${ending}`);
    await writeFile(path, content);
    return path;
  }

  /** From now on a listener shows a certificate for this subject to those who connect. */
  async show(listener: Listener, subject: Subject, by = this.authority): Promise<void> {
    const pair = await by.issue(subject);
    const path = await writePem(this.#dataDir, pair);
    await this.#configure({ [`${prefix(listener)}ssl.keystore.location`]: path });
    const { fingerprint256 } = new X509Certificate(pair.cert);
    await eventually(
      `${listener} to show another certificate`,
      async () => (await fingerprintOf(this.relay(listener).port)) === fingerprint256,
    );
  }

  /** From now on a listener takes certificates of these authorities. */
  async trust(listener: Listener, ...authorities: readonly Authority[]): Promise<void> {
    const certs = authorities.map(({ cert }) => cert).join('\n');
    const path = await this.file('trusted.pem', certs);
    await this.#configure({ [`${prefix(listener)}ssl.truststore.location`]: path });
  }

  /** Creates a user, or gives it another password. */
  async setPassword(user: string, mechanism: ScramMechanism, password: string): Promise<void> {
    const { number, hash, bytes } = SCRAM[mechanism];
    const salt = randomBytes(16);
    // Each password has a number of its own, by which it is seen to be in force.
    const iterations = this.#iterations++;
    const saltedPassword = pbkdf2Sync(password, salt, iterations, bytes, hash);
    const upsertions = [{ name: user, mechanism: number, iterations, salt, saltedPassword }];
    const connection = new Connection('sse-kafka-test');
    const known = async (): Promise<boolean> => {
      const users = [{ name: user }];
      const asked = describeUserScramCredentialsV0.api.async(connection, users);
      // A user that is not known yet is an error.
      const answer = await asked.catch(() => null);
      return Boolean(
        answer?.results[0]?.credentialInfos.some((one) => one.iterations === iterations),
      );
    };
    try {
      await connection.connect('localhost', this.#broker.port);
      const asked = alterUserScramCredentialsV0.api.async(connection, [], upsertions);
      expectNoError((await within(`a password for ${user}`, asked)).results[0]);
      await eventually(`the password of ${user} to be in force`, known);
    } finally {
      await connection.close();
    }
  }

  /** Gives a user rights on a topic. */
  async allow(user: string, topic: string, ...rights: readonly Right[]): Promise<void> {
    const creations = rights.map((right) => acl(user, topic, right));
    await within(`rights on ${topic}`, this.#admin.createAcls({ creations }));
  }

  /** Takes them away again. */
  async forbid(user: string, topic: string, ...rights: readonly Right[]): Promise<void> {
    const filters = rights.map((right) => acl(user, topic, right));
    await within(`fewer rights on ${topic}`, this.#admin.deleteAcls({ filters }));
  }

  async #configure(values: Readonly<Record<string, string>>): Promise<void> {
    const configs = Object.entries(values).map(([name, value]) => ({
      name,
      value,
      configOperation: IncrementalAlterConfigOperationTypes.SET,
    }));
    const resources = [{ resourceType: ConfigResourceTypes.BROKER, resourceName: '1', configs }];
    await within('settings of the broker', this.#admin.incrementalAlterConfigs({ resources }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#admin.close();
    await Promise.all(Object.values(this.#relays).map((relay) => relay[Symbol.asyncDispose]()));
    await this.#broker.kill();
    await rm(this.#dataDir, { recursive: true, force: true });
  }
}

function tlsProperties(keyStore: string, authorities: string): Record<string, string> {
  return {
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': keyStore,
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': authorities,
    [`${prefix('MTLS')}ssl.client.auth`]: 'required',
    // So that a listener may change to a certificate with another name while it runs.
    'ssl.allow.dn.changes': 'true',
    'ssl.allow.san.changes': 'true',
  };
}

function saslProperties(): Record<string, string> {
  const security = 'org.apache.kafka.common.security';
  const { name, password } = PLAIN_USER;
  const all: [string, string][] = (['SASL', 'SASL_TLS'] as const).flatMap((listener) => [
    [`${prefix(listener)}sasl.enabled.mechanisms`, ['PLAIN', ...Object.keys(SCRAM)].join()],
    [
      `${prefix(listener)}plain.sasl.jaas.config`,
      `${security}.plain.PlainLoginModule required user_${name}=${JSON.stringify(password)};`,
    ],
    ...Object.keys(SCRAM).map((mechanism): [string, string] => [
      `${prefix(listener)}${mechanism.toLowerCase()}.sasl.jaas.config`,
      `${security}.scram.ScramLoginModule required;`,
    ]),
  ]);
  return Object.fromEntries(all);
}

/** Of the settings of one listener. */
function prefix(listener: Listener): string {
  return `listener.name.${listener.toLowerCase()}.`;
}

/** @returns the path of a new file with certificate and key. */
async function writePem(folder: string, { cert, key }: KeyPair): Promise<string> {
  const path = join(folder, `${randomBytes(8).toString('hex')}.pem`);
  await writeFile(path, `${key}\n${cert}\n`);
  return path;
}

/** The certificate that is shown on a port; empty where the handshake fails. */
function fingerprintOf(port: number): Promise<string> {
  const shown = new Promise<string>((resolve) => {
    const socket = connect({ port, host: 'localhost', rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().fingerprint256);
      socket.destroy();
    });
    socket.on('error', () => resolve(''));
  });
  return within(`a handshake on ${port}`, shown);
}

function acl(user: string, topic: string, right: Right): Acl {
  return {
    resourceType: ResourceTypes.TOPIC,
    resourceName: topic,
    resourcePatternType: ResourcePatternTypes.LITERAL,
    principal: `User:${user}`,
    host: '*',
    operation: AclOperations[right],
    permissionType: AclPermissionTypes.ALLOW,
  };
}

type Acl = Parameters<InstanceType<typeof Admin>['createAcls']>[0]['creations'][number];

function expectNoError(result: { errorCode: number; errorMessage: unknown } | undefined): void {
  if (result?.errorCode !== 0) throw new Error(`refused: ${result?.errorMessage}`);
}
