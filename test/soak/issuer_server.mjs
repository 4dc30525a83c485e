/**
 * The issuer of a soak, a process of its own: what it says of itself, and the keys that lie in a file.
 *
 *     node issuer_server.mjs FOLDER PORT
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { join } from 'node:path';
import process from 'node:process';

const [folder = '', port = ''] = process.argv.slice(2);
/** @param {string} name */
const file = (name) => readFileSync(join(folder, name));
const issuer = `https://localhost:${port}`;

const server = createServer(
  { cert: file('cert.pem'), key: file('key.pem') },
  (request, response) => {
    response.setHeader('content-type', 'application/json');
    if (request.url === '/.well-known/openid-configuration') {
      response.end(JSON.stringify({ issuer, jwks_uri: `${issuer}/keys` }));
    } else if (request.url === '/keys') {
      response.end(file('keys.json'));
    } else {
      response.writeHead(404).end();
    }
  },
);
server.listen(Number(port), '127.0.0.1', () => process.stdout.write('listening\n'));
