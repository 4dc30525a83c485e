import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { generate } from 'selfsigned';
import { loadCertificate } from './tls.ts';

const NO_FILES = { tlsCertFile: null, tlsKeyFile: null };
const DAY_MS = 86_400_000;

let data = '';
const place = (...names: string[]) => join(data, 'tls', ...names);

beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'tls-'));
});

afterEach(() => rmSync(data, { recursive: true }));

async function pairValid(fromDays: number, toDays: number) {
  const made = await generate(undefined, {
    keyType: 'ec',
    algorithm: 'sha256',
    notBeforeDate: new Date(Date.now() + fromDays * DAY_MS),
    notAfterDate: new Date(Date.now() + toDays * DAY_MS),
  });
  return { cert: made.cert, key: made.private };
}

function keep(pair: { cert?: string; key?: string }, number = '1'): void {
  mkdirSync(place(number), { recursive: true });
  if (pair.cert !== undefined) writeFileSync(place(number, 'cert.pem'), pair.cert);
  if (pair.key !== undefined) writeFileSync(place(number, 'key.pem'), pair.key);
}

describe('loadCertificate()', () => {
  test('loadCertificate() gives what is in the files that are set', async () => {
    const files = { tlsCertFile: join(data, 'cert'), tlsKeyFile: join(data, 'key') };
    const pair = await pairValid(-1, 1);
    // As some editors save it.
    writeFileSync(files.tlsCertFile, `\ufeff${pair.cert}`);
    writeFileSync(files.tlsKeyFile, `\ufeff${pair.key}`);
    expect(await loadCertificate(files, data)).toEqual(pair);
    expect(readdirSync(data)).toEqual(['cert', 'key']);
  });

  test('loadCertificate() refuses files of which one was replaced and the other was not', async () => {
    const files = { tlsCertFile: join(data, 'cert'), tlsKeyFile: join(data, 'key') };
    writeFileSync(files.tlsCertFile, (await pairValid(-1, 1)).cert);
    writeFileSync(files.tlsKeyFile, (await pairValid(-1, 1)).key);
    await expect(loadCertificate(files, data)).rejects.toMatchObject({ code: 'CERTIFICATE' });
  });

  test('loadCertificate() says which settings are at fault when a file went away', async () => {
    const files = { tlsCertFile: join(data, 'gone'), tlsKeyFile: join(data, 'gone') };
    await expect(loadCertificate(files, data)).rejects.toMatchObject({
      code: 'CERTIFICATE',
      message: expect.stringMatching(/TLS_CERT_FILE or TLS_KEY_FILE: ENOENT/),
    });
  });

  test('loadCertificate() makes one for localhost, and keeps it, the key for its owner only', async () => {
    const pair = await loadCertificate(NO_FILES, join(data, 'not', 'there'));
    const again = await loadCertificate(NO_FILES, join(data, 'not', 'there'));
    expect(again).toEqual(pair);
    const folder = join(data, 'not', 'there', 'tls');
    expect(readdirSync(folder)).toEqual(['1']);
    expect(statSync(join(folder, '1', 'key.pem')).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(folder, '1', 'cert.pem'), 'utf8')).toBe(pair.cert);

    const cert = new X509Certificate(pair.cert);
    expect(cert.subjectAltName).toBe(
      'DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1',
    );
    expect(cert.ca).toBe(false);
    const days = (Date.parse(cert.validTo) - Date.parse(cert.validFrom)) / DAY_MS;
    expect(days).toBeLessThanOrEqual(825);
  });

  test('loadCertificate() makes one that a client which trusts it takes by name and address', async () => {
    const { cert, key } = await loadCertificate(NO_FILES, data);
    const server = createServer({ cert, key }, (_request, response) => response.end('ok'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    try {
      // Without a server name the address is compared.
      for (const name of [{ servername: 'localhost' }, {}]) {
        const options = { host: '127.0.0.1', port, ca: cert, agent: false, timeout: 10_000 };
        const get = request({ ...options, ...name }).end();
        const [response] = await once(get, 'response');
        expect(response.statusCode).toBe(200);
        response.resume();
      }
      expect(new X509Certificate(cert).checkIP('::1')).toBeDefined();
    } finally {
      server.close();
    }
  });

  test('loadCertificate() gives the same pair to all that start at once', async () => {
    const pairs = await Promise.all(
      Array.from({ length: 8 }, () => loadCertificate(NO_FILES, data)),
    );
    expect(new Set(pairs.map((pair) => pair.key)).size).toBe(1);
    expect(readdirSync(place())).toEqual(['1']);
  });

  test('loadCertificate() gives the same new pair to all that find a bad one at once', async () => {
    keep({ cert: 'x', key: 'y' });
    const pairs = await Promise.all(
      Array.from({ length: 8 }, () => loadCertificate(NO_FILES, data)),
    );
    expect(new Set(pairs.map((pair) => pair.key)).size).toBe(1);
    expect(readdirSync(place())).toEqual(['1', '2']);
    expect(await loadCertificate(NO_FILES, data)).toEqual(pairs[0]);
  });

  test('loadCertificate() keeps one that is good for more than a week', async () => {
    const pair = await pairValid(-1, 8);
    keep(pair);
    expect(await loadCertificate(NO_FILES, data)).toEqual(pair);
  });

  test('loadCertificate() makes a new one for any that is not whole, right and valid', async () => {
    const good = await pairValid(-1, 100);
    const other = await pairValid(-1, 100);
    const bad = [
      {},
      { cert: good.cert },
      { key: good.key },
      { cert: good.cert.slice(0, 100), key: good.key },
      { cert: good.cert, key: good.key.slice(0, 100) },
      { cert: good.cert, key: other.key },
      { cert: '', key: '' },
      await pairValid(-10, -1),
      await pairValid(-10, 6),
      await pairValid(1, 100),
    ];
    for (const [index, pair] of bad.entries()) keep(pair, String(index + 1));
    writeFileSync(place('11'), 'a file in its place');
    mkdirSync(place('new-abandoned'));
    const made = await loadCertificate(NO_FILES, data);
    expect(readFileSync(place('12', 'key.pem'), 'utf8')).toBe(made.key);
    expect(await loadCertificate(NO_FILES, data)).toEqual(made);
  });

  test('loadCertificate() names the ways out where nothing can be kept', async () => {
    writeFileSync(join(data, 'file'), '');
    await expect(loadCertificate(NO_FILES, join(data, 'file'))).rejects.toMatchObject({
      code: 'CERTIFICATE',
      exitCode: 1,
      message: expect.stringMatching(/make it writable, or set TLS_CERT_FILE and TLS_KEY_FILE/),
    });
  });
});
