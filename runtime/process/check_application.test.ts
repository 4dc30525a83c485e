import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from '@jest/globals';
import { checkApplication } from './check_application.ts';

test('checkApplication() refuses an application that lets in whoever shows nothing', async () => {
  let status = 200;
  const server = createServer((_, response) => response.writeHead(status).end());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const config = { signInUrl: `http://127.0.0.1:${port}/`, caFile: null };
  await expect(checkApplication(config)).rejects.toMatchObject({ code: 'CONFIG', exitCode: 78 });
  for (status of [401, 302, 500]) await checkApplication(config);
  server.close().closeAllConnections();
  await once(server, 'close');
  // Out of reach it cannot be told.
  await checkApplication(config);
  await checkApplication({ signInUrl: null, caFile: null });
});
