import { once } from 'node:events';
import { createServer as createPlainServer } from 'node:net';
import { createServer } from 'node:tls';
import { expect, test } from '@jest/globals';
import { Authority } from '../../../test/support/authority.ts';
import { freePort } from '../../../test/support/free_port.ts';
import { expiredCertificate } from './expired_certificate.ts';

test.each([true, false])(
  'expiredCertificate() looks at whether its time is over, not at who signed it: %s',
  async (expired) => {
    const authority = await Authority.create();
    const server = createServer(await authority.issue({ name: 'localhost', expired }));
    const port = await freePort();
    await once(server.listen(port, '127.0.0.1'), 'listening');
    for (const host of ['localhost', '127.0.0.1']) {
      const found = await expiredCertificate({ host, port }, null);
      expect(found?.message).toEqual(
        expired ? expect.stringContaining(`${host}:${port}`) : undefined,
      );
    }
    server.close();
  },
);

test('expiredCertificate() takes who does not speak TLS, or is not there, for none', async () => {
  const server = createPlainServer((socket) => socket.destroy());
  const port = await freePort();
  await once(server.listen(port, '127.0.0.1'), 'listening');
  expect(await expiredCertificate({ host: 'localhost', port }, null)).toBeNull();
  server.close();
  await once(server, 'close');
  expect(await expiredCertificate({ host: 'localhost', port }, null)).toBeNull();
});
