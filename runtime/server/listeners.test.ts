import { describe, expect, test } from '@jest/globals';
import { parseConfig } from '../../app/config/config.ts';
import { type Listener, Listeners, type ListenOptions } from './listeners.ts';

const LISTENER: Listener = {
  taken: 0,
  drain() {},
  renew() {},
  reopen() {},
  close: async () => {},
};

/** Opens `HTTP_PORT` on a host, where listening on some addresses fails with a code. */
async function open(host: string, fails: Readonly<Record<string, string>> = {}) {
  const hosts: string[] = [];
  const listeners = new Listeners(async (options: ListenOptions) => {
    hosts.push(options.host);
    const code = fails[options.host];
    if (code !== undefined) throw Object.assign(new Error(code), { code });
    return LISTENER;
  });
  const config = parseConfig({ HOST: host, HTTPS_PORT: '0' });
  const urls = await listeners.openPublic(config, () => new Response());
  return { hosts, urls };
}

describe('Listeners', () => {
  test.each([
    ['localhost', ['127.0.0.1', '::1'], 'localhost'],
    ['::', ['::'], 'localhost'],
    ['0.0.0.0', ['0.0.0.0'], 'localhost'],
    ['::1', ['::1'], '[::1]'],
    ['gateway.example', ['gateway.example'], 'gateway.example'],
  ])('Listeners has HOST=%s on %j, for a person at %s', async (host, hosts, name) => {
    expect(await open(host)).toEqual({ hosts, urls: [`http://${name}:8080`] });
  });

  test.each(['EAFNOSUPPORT', 'EADDRNOTAVAIL'])(
    'Listeners does without IPv6 on a machine that has none (%s)',
    async (code) => {
      const urls = ['http://localhost:8080'];
      const hosts = ['127.0.0.1', '::1'];
      expect(await open('localhost', { '::1': code })).toEqual({ hosts, urls });
      expect(await open('::', { '::': code })).toEqual({ hosts: ['::', '0.0.0.0'], urls });
      await expect(open('::1', { '::1': code })).rejects.toMatchObject({ code: 'PORT_IN_USE' });
    },
  );

  test.each([
    ['localhost', '127.0.0.1'],
    ['localhost', '::1'],
    ['::', '::'],
  ])('Listeners does not do with a part of %s where %s is taken', async (host, taken) => {
    await expect(open(host, { [taken]: 'EADDRINUSE' })).rejects.toMatchObject({
      message: 'HTTP_PORT: localhost:8080 is in use: stop what listens there, or set another port',
    });
  });
});
