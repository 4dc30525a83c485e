import { isIP } from 'node:net';
import { connect } from 'node:tls';
import type { Broker } from '@platformatic/kafka';
import { REQUEST_TIMEOUT_MS } from './kafka_connection.ts';

/**
 * The error for a broker that shows a certificate which has expired, as Node tells it; else `null`.
 * For Deno, which has one error for whatever it does not trust: the certificate is looked at in a
 * handshake of its own, over which nothing is sent.
 */
export async function expiredCertificate(broker: Broker, cause: unknown): Promise<Error | null> {
  if (!(await showsExpired(broker))) return null;
  const what = `Connection to ${broker.host}:${broker.port} failed: certificate has expired`;
  return Object.assign(new Error(what, { cause }), { code: 'CERT_HAS_EXPIRED' });
}

function showsExpired({ host, port }: Broker): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({
      host,
      port,
      ...(isIP(host) === 0 ? { servername: host } : {}),
      rejectUnauthorized: false,
      timeout: REQUEST_TIMEOUT_MS,
    });
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('secureConnect', () => {
      end(Date.parse(socket.getPeerCertificate().valid_to) < Date.now());
    });
    socket.once('timeout', () => end(false));
    socket.once('close', () => end(false));
    socket.on('error', () => {}); // It closes then.
  });
}
