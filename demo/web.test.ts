import { expect, test } from '@jest/globals';
import { web } from './web.mjs';

const PAGE = 'http://localhost:8100';

function start() {
  const pressed: string[] = [];
  const app = web(8100, 8200, () => ({ clients: 1 }), { gateway: () => pressed.push('gateway') });
  const ask = async (path: string, headers: Record<string, string>, method = 'GET') =>
    (await app.request(`${PAGE}${path}`, { method, headers })).status;
  return { pressed, ask };
}

test('web() answers who asks by a name of this machine', async () => {
  const { ask } = start();
  expect(await ask('/dial', { host: 'localhost:8100' })).toBe(200);
  expect(await ask('/dial', { host: '127.0.0.1:8100' })).toBe(200);
  for (const host of ['localhost', 'localhost:8101', 'evil.example:8100', '']) {
    expect([host, await ask('/dial', { host })]).toEqual([host, 403]);
  }
});

test('web() has its buttons pressed by its own page alone', async () => {
  const { ask, pressed } = start();
  const press = (headers: Record<string, string>, path = '/kill/gateway') =>
    ask(path, { host: 'localhost:8100', ...headers }, 'POST');
  for (const origin of ['http://localhost:8101', 'http://evil.example', 'null', `https${PAGE}`]) {
    expect([origin, await press({ origin })]).toEqual([origin, 403]);
  }
  expect(await press({})).toBe(403);
  // Of another name of this machine than it was asked by.
  expect(await press({ origin: 'http://127.0.0.1:8100' })).toBe(403);
  expect(pressed).toEqual([]);
  expect(await press({ origin: PAGE })).toBe(204);
  expect(await press({ origin: PAGE }, '/kill/toString')).toBe(404);
  expect(pressed).toEqual(['gateway']);
});
