import { rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { isTaken } from '../../runtime/embedded_kafka/ports.ts';
import { curl } from '../support/curl.ts';
import { within } from '../support/deadline.ts';
import { freePorts, type Ports } from '../support/free_port.ts';
import { Gateway, newFolder } from '../support/gateway.ts';
import { kafka } from '../support/kafka.ts';
import { newName } from '../support/new_name.ts';
import { endedWith, type Outcome, run } from '../support/program.ts';
import { onEachRuntime, onRuntimesOfTier, type Runtime } from '../support/runtime.ts';

const SECRET = 's3cr€t $HOME #1';

const TEN_FAULTS = `
KAFKA_BROKERS=localhost
KAFKA_TLS=yes
KAFKA_CA_FILE=/nothing/here.pem
KAFKA_SASL_MECHANISM=GSSAPI
KAFKA_PASSWORD="${SECRET}"
TOPICS=events,../up
HTTP_PORT=80801
TLS_CERT_FILE=.env
CORS_ORIGINS=https://a.example/path
HEARTBEAT_SECONDS=-1
LOG_LEVEL=loud
`;

/** The code with which a gateway ends that has such. */
const WRONG_SETTINGS = 78;

/** The settings above that are wrong, or lack another one. */
const WRONG = [
  'KAFKA_BROKERS',
  'KAFKA_TLS',
  'KAFKA_CA_FILE',
  'KAFKA_SASL_MECHANISM',
  'KAFKA_USERNAME',
  'TOPICS',
  'HTTP_PORT',
  'TLS_CERT_FILE',
  'TLS_KEY_FILE',
  'CORS_ORIGINS',
  'HEARTBEAT_SECONDS',
  'LOG_LEVEL',
];

/** Runs a gateway that is to end because of its settings; its log is text, as on a terminal. */
async function runToEnd(
  runtime: Runtime,
  env: Readonly<Record<string, string>>,
  dotenv?: string,
  code = WRONG_SETTINGS,
): Promise<Outcome> {
  const folder = await newFolder(dotenv);
  try {
    const options = { cwd: folder, env: { LOG_FORMAT: 'text', ...env } };
    return endedWith(code, 'the gateway', await run(runtime.gateway, options));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function takenOf(ports: Ports): Promise<string[]> {
  const taken: string[] = [];
  for (const [name, port] of Object.entries(ports)) {
    if (await isTaken(Number(port))) taken.push(name);
  }
  return taken;
}

onEachRuntime((runtime) => {
  describe('wrong settings', () => {
    test('in .env are all told at once, by name; 78, nothing listening', async () => {
      const { HTTPS_PORT, ADMIN_PORT } = await freePorts();
      const { stdout, stderr } = await runToEnd(runtime, { HTTPS_PORT, ADMIN_PORT }, TEN_FAULTS);
      expect(stdout.toString()).toBe('');
      const lines = stderr.trimEnd().split('\n');
      const named = lines.map((line) => /^[\d:.]+ ERROR {3}(\w+): /.exec(line)?.[1]);
      expect(named.sort()).toEqual(WRONG.toSorted());
      for (const line of lines) expect(line).toContain('expected ');
      expect(stderr).not.toContain('s3cr');
      expect(await takenOf({ HTTP_PORT: '0', HTTPS_PORT, ADMIN_PORT })).toEqual([]);
    });

    test('of the environment, too, and they do not fall back to .env', async () => {
      const env = { ...(await freePorts()), KAFKA_BROKERS: kafka.brokers, MAX_CONNECTIONS: 'many' };
      const { stderr } = await runToEnd(runtime, env, 'MAX_CONNECTIONS=5');
      expect(stderr.trimEnd().split('\n')).toHaveLength(1);
      expect(stderr).toMatch(/ MAX_CONNECTIONS: got "many", expected /);
    });
  });

  describe('settings', () => {
    test('come from .env; those of the environment win, an empty one too, which is then unset', async () => {
      const name = newName();
      const dotenv = `TOPICS=${newName()}\nCORS_ORIGINS=https://a.example\nLOG_FORMAT=text\n`;
      const env = { CORS_ORIGINS: '' };
      await using gateway = await Gateway.start(runtime, { dotenv, topics: [name], env });
      expect(gateway.stderr).toMatch(/^[\d:.]+ INFO .*Listening: /m);
      const { body, headers } = await curl(
        '-H',
        'Origin: https://b.example',
        `${gateway.http}/-/topics`,
      );
      expect(JSON.parse(`${body}`).topics).toMatchObject([{ name }]);
      expect(headers.get('access-control-allow-origin')).toBe('*');
    });

    test('name URLs by what they are for, topics that are missing, and Ready once it is', async () => {
      const [there, missing] = [await kafka.createTopic(), newName()];
      const topics = [there.name, missing];
      await using gateway = await Gateway.start(runtime, { topics, env: { HOST: '' } });
      const where =
        `streams and page at ${gateway.http} and ${gateway.https}; ` +
        `health and metrics at ${gateway.admin}; reading from ${kafka.brokers}; open to all`;
      expect(gateway.stderr).toContain(`"Listening: ${where}"`);
      await gateway.says(`Topic ${missing} does not exist: create it, or correct TOPICS`);
      expect(gateway.stderr).not.toContain('Ready: ');
      expect((await gateway.readiness()).missing).toEqual([`topic ${missing} does not exist yet`]);
      // On every address, whatever localhost is taken for.
      for (const url of [gateway.http, gateway.https, gateway.admin]) {
        for (const address of ['127.0.0.1', '[::1]']) {
          expect((await curl(url.replace('localhost', address))).status).toBeLessThan(500);
        }
      }
      await kafka.createTopic({ name: missing });
      await gateway.says(`"Ready: ${where}"`);
      expect((await gateway.readiness()).status).toBe(200);
    });

    test('that are secret are never shown, whatever goes wrong with them', async () => {
      await using gateway = await Gateway.start(runtime, {
        topics: [newName()],
        env: {
          KAFKA_SASL_MECHANISM: 'PLAIN',
          KAFKA_USERNAME: 's3cr€t-name',
          KAFKA_PASSWORD: SECRET,
          LOG_LEVEL: 'debug',
        },
      });
      await gateway.says('takes no sign-in');
      const { error, up } = (await gateway.readiness()).brokers;
      expect(up).toBe(false);
      expect(`${error}${gateway.stderr}`).not.toContain('s3cr');
    });
  });
});

onRuntimesOfTier((runtime) => {
  describe('wrong settings', () => {
    test.each([
      [
        'a mechanism without name and password',
        { KAFKA_SASL_MECHANISM: 'PLAIN' },
        ['USERNAME', 'PASSWORD'],
      ],
      ['a password without the rest', { KAFKA_PASSWORD: SECRET }, ['SASL_MECHANISM', 'USERNAME']],
      ['a certificate without its key', { KAFKA_CERT_FILE: '.env' }, ['KEY_FILE']],
    ])('%s', async (_, settings, lacking) => {
      const env = { ...(await freePorts()), KAFKA_BROKERS: kafka.brokers, ...settings };
      const { stderr } = await runToEnd(runtime, env);
      for (const name of lacking) expect(stderr).toContain(`KAFKA_${name}: `);
      expect(stderr).not.toContain('s3cr');
    });

    test('without a port to serve on', async () => {
      const env = { KAFKA_BROKERS: kafka.brokers, HTTP_PORT: '0', HTTPS_PORT: '0' };
      const { stderr } = await runToEnd(runtime, env);
      expect(stderr).toContain('HTTPS_PORT');
    });

    test('of a sign-in that there is not do not open the gateway', async () => {
      const env = { ...(await freePorts()), KAFKA_BROKERS: kafka.brokers, JWT_ISSUER: SECRET };
      const { stderr } = await runToEnd(runtime, env);
      expect(stderr).toMatch(/ JWT_ISSUER: /);
      expect(stderr).not.toContain('s3cr');
    });
  });

  describe('settings', () => {
    test('that turn listeners off leave the others', async () => {
      const env = { HTTP_PORT: '0', ADMIN_PORT: '0' };
      await using gateway = await Gateway.start(runtime, { topics: [newName()], env });
      expect((await curl(`${gateway.https}/index.html`)).status).toBe(200);
      expect(gateway.stderr).not.toContain('http://');
    });

    test('that do not exist are told with the one that is meant', async () => {
      const env = { TOPIC: 'a', KAFKA_SASL_USERNAME: 'b', HTTP_PROXY: 'c', KAFKA_OPTS: 'd' };
      await using gateway = await Gateway.start(runtime, { topics: [newName()], env });
      const warned = gateway.stderr.split('\n').filter((line) => line.includes('"WARN"'));
      expect(warned.map((line) => /(\w+) is no setting.* mean (\w+)/.exec(line)?.slice(1))).toEqual(
        [
          ['KAFKA_SASL_USERNAME', 'KAFKA_USERNAME'],
          ['TOPIC', 'TOPICS'],
        ],
      );
    });
  });

  describe('a port in use', () => {
    test.each(['HTTP_PORT', 'HTTPS_PORT', 'ADMIN_PORT'] as const)(
      'is told with setting and port: %s',
      async (setting) => {
        const ports = await freePorts();
        const server = createServer();
        const listening = new Promise<void>((done) => {
          server.listen(Number(ports[setting]), done);
        });
        await within('the port to be taken', listening);
        try {
          const env = { ...ports, KAFKA_BROKERS: kafka.brokers, TOPICS: newName() };
          const { stderr } = await runToEnd(runtime, env, undefined, 1);
          const line = stderr.split('\n').find((one) => one.includes(setting));
          expect(line).toContain(`:${ports[setting]} `);
          expect(line).toContain('in use');
          expect(await takenOf(ports)).toEqual([setting]);
        } finally {
          server.close();
        }
      },
    );
  });
});
