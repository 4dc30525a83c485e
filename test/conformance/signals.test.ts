import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { describe, expect, test } from '@jest/globals';
import { generate } from 'selfsigned';
import { within } from '../support/deadline.ts';
import { Gateway, newFolder } from '../support/gateway.ts';
import { kafka } from '../support/kafka.ts';
import { newName } from '../support/new_name.ts';
import { onEachRuntime } from '../support/runtime.ts';
import { Scrape } from '../support/scrape.ts';
import { SseStream } from '../support/sse_stream.ts';

const TRIES = 6;

function fingerprintOf(cert: string): string {
  return new X509Certificate(cert).fingerprint256;
}

/** The certificate that a new connection is shown, by its fingerprint. */
async function shownAt(url: string): Promise<string> {
  const { hostname: host, port } = new URL(url);
  const socket = connect({ host, port: Number(port), rejectUnauthorized: false });
  try {
    await within('a TLS handshake', once(socket, 'secureConnect'));
    return socket.getPeerCertificate().fingerprint256;
  } finally {
    socket.destroy();
  }
}

onEachRuntime((runtime) => {
  describe('a signal', () => {
    test.each(['SIGINT', 'SIGTERM'] as const)(
      '%s ends the streams, then the gateway, with 0',
      async (signal) => {
        const topic = await kafka.createTopic();
        await topic.produce({ value: 'a' });
        await using gateway = await Gateway.startReady(runtime, {
          topics: [topic.name],
          // Which says nothing of SIGINT.
          env: { DRAIN_SECONDS: signal === 'SIGINT' ? '3600' : '1' },
        });
        await using plain = await gateway.stream(`/${topic.name}`);
        await using secure = await SseStream.open(`${gateway.https}/${topic.name}`);
        for (const stream of [plain, secure]) await stream.untilEvents(1);
        gateway.kill(signal);
        for (const stream of [plain, secure]) {
          await within('the end of a stream', stream.over);
          expect(stream.isAtBlockEnd).toBe(true);
        }
        expect(await gateway.ended()).toBe(0);
      },
    );

    test('that follows another one ends the gateway at once, not with 0', async () => {
      const topic = await kafka.createTopic();
      const codes: (number | null)[] = [];
      // The first signal is followed so fast that the second one can come too late, then with 0.
      while (!codes.some((code) => code !== 0) && codes.length < TRIES) {
        await using gateway = await Gateway.startReady(runtime, {
          topics: [topic.name],
          env: { DRAIN_SECONDS: '60' },
        });
        await using stream = await gateway.stream(`/${topic.name}`);
        for (const signal of ['SIGSTOP', 'SIGTERM', 'SIGINT', 'SIGCONT'] as const)
          gateway.kill(signal);
        codes.push(await gateway.ended());
        await within('the end of the stream', stream.over);
      }
      expect(codes.at(-1)).not.toBe(0);
    });

    test('SIGHUP without a terminal has the certificate read again; what is no pair stays out', async () => {
      const folder = await newFolder();
      const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
      const [old, fresh] = [await generate(), await generate()];
      // A byte order mark, as some editors put it in front.
      await writeFile(certFile, `\ufeff${old.cert}`);
      await writeFile(keyFile, `\ufeff${old.private}`);
      await using gateway = await Gateway.start(runtime, {
        topics: [newName()],
        env: { TLS_CERT_FILE: certFile, TLS_KEY_FILE: keyFile },
      });
      expect(await shownAt(gateway.https)).toBe(fingerprintOf(old.cert));
      await writeFile(keyFile, fresh.private);
      gateway.kill('SIGHUP');
      await gateway.says('The old certificate of HTTPS stays');
      expect(await shownAt(gateway.https)).toBe(fingerprintOf(old.cert));
      await writeFile(certFile, fresh.cert);
      gateway.kill('SIGHUP');
      await gateway.says('The certificate of HTTPS was read again');
      expect(await shownAt(gateway.https)).toBe(fingerprintOf(fresh.cert));
      expect(await gateway.stop()).toBe(0);
    });

    test('is not needed where a link above the certificate is swapped: it is shown, and streams go on', async () => {
      const topic = await kafka.createTopic();
      const folder = await newFolder();
      const [certFile, keyFile] = ['tls.crt', 'tls.key'].map((file) => join(folder, 'tls', file));
      // As Kubernetes does it with a mounted Secret.
      const put = async (name: string, pair: { cert: string; private: string }) => {
        await mkdir(join(folder, name));
        await writeFile(join(folder, name, 'tls.crt'), pair.cert);
        await writeFile(join(folder, name, 'tls.key'), pair.private);
        await symlink(name, join(folder, 'next'));
        await rename(join(folder, 'next'), join(folder, 'tls'));
      };
      const [old, fresh] = [await generate(), await generate()];
      await put('first', old);
      await using gateway = await Gateway.startReady(runtime, {
        topics: [topic.name],
        env: { TLS_CERT_FILE: certFile!, TLS_KEY_FILE: keyFile! },
      });
      await using stream = await SseStream.open(`${gateway.https}/${topic.name}`);
      await put('second', fresh);
      await gateway.says('The certificate of HTTPS was read again');
      expect(await shownAt(gateway.https)).toBe(fingerprintOf(fresh.cert));
      const expiry = Date.parse(new X509Certificate(fresh.cert).validTo) / 1000;
      const scrape = await Scrape.of(gateway);
      const name = 'sse_kafka_certificate_expiry_timestamp_seconds';
      expect(scrape.value(name, { use: 'https' })).toBe(expiry);
      await topic.produce({ value: 'after' });
      await stream.untilEvents(1);
    });

    test('during the start ends it with 0, too', async () => {
      const topic = await kafka.createTopic();
      await using gateway = await Gateway.start(runtime, { topics: [topic.name] });
      expect(await gateway.stop()).toBe(0);
    });
  });
});
