import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { generate } from 'selfsigned';
import { Logged } from '../../../test/support/logged.ts';
import { readBrokerTls } from './broker_tls.ts';

let folder: string;
let files: { ca: string; cert: string; key: string };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'broker-tls-'));
  files = { ca: join(folder, 'ca'), cert: join(folder, 'cert'), key: join(folder, 'key') };
});
afterEach(() => rmSync(folder, { recursive: true }));

async function newPair(): Promise<{ cert: string; key: string }> {
  const made = await generate(undefined, { keyType: 'ec', algorithm: 'sha256' });
  return { cert: made.cert, key: made.private };
}

test('readBrokerTls() gives what the files hold by then, and the last pair where they hold none', async () => {
  using logged = new Logged();
  const [old, fresh] = [await newPair(), await newPair()];
  writeFileSync(files.ca, old.cert);
  writeFileSync(files.cert, old.cert);
  writeFileSync(files.key, old.key);
  let now = 0;
  const tls = readBrokerTls(files, () => now);
  expect(tls()).toEqual({ ca: old.cert, ...old });
  writeFileSync(files.cert, fresh.cert);
  // Not at once: thousands may connect.
  expect(tls().cert).toBe(old.cert);
  for (now = 1000; now <= 3000; now += 1000) expect(tls()).toEqual({ ca: old.cert, ...old });
  writeFileSync(files.key, fresh.key);
  now += 1000;
  expect(tls()).toEqual({ ca: old.cert, ...fresh });
  writeFileSync(files.ca, 'no authority');
  now += 1000;
  expect(tls()).toEqual({ ca: old.cert, ...fresh });
  rmSync(files.ca);
  now += 1000;
  expect(tls()).toEqual({ ca: old.cert, ...fresh });
  const stay = 'error The old certificates for the brokers stay:';
  expect(logged.lines).toEqual([
    `${stay} KAFKA_KEY_FILE does not hold the key of the first one in KAFKA_CERT_FILE`,
    'info The certificates for the brokers were read again',
    `${stay} KAFKA_CA_FILE holds no certificates`,
    expect.stringMatching(`${stay} ENOENT`),
  ]);
});

test('readBrokerTls() takes public authorities and no certificate where no file is set', () => {
  const none = { ca: null, cert: null, key: null };
  expect(readBrokerTls(none)()).toEqual(none);
});
