import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { eventually } from '../support/deadline.ts';
import { fingerprint, outcome, PUBLISH, produce, sseCat, succeed } from './cluster.ts';

describe('compose.yaml', () => {
  let compose: (...args: readonly string[]) => Promise<string>;
  beforeAll(async () => {
    const { code } = await outcome(['docker', 'compose', 'version']);
    compose = (...args) =>
      succeed(code === 0 ? ['docker', 'compose', ...args] : ['docker-compose', ...args]);
    await compose('up', '--detach', '--build');
  });
  afterAll(() => compose('down', '--volumes'));

  test('gives the walk-through, and keeps the certificate when the gateway comes back', async () => {
    await eventually(
      'the gateway to answer',
      async () => {
        const { code } = await outcome(['curl', '-fsS', 'http://localhost:8080/-/topics']);
        return code === 0;
      },
      60_000,
    );
    const certificate = await fingerprint();
    await using http = sseCat('http://localhost:8080/events');
    await using https = sseCat('https://localhost:9090/events');
    await succeed(['sh', '-c', PUBLISH]);
    await http.printed('Hello, world ');
    await https.printed('Hello, world ');

    await compose('stop', 'gateway');
    await produce('events', '2:meanwhile');
    await compose('start', 'gateway');
    for (const client of [http, https]) {
      await client.printed('meanwhile\n');
      expect(`${client.stdout}`).toMatch(/^Hello, world .*\nmeanwhile\n$/);
    }
    expect(await fingerprint()).toBe(certificate);
  });
});
