import { expect, test } from '@jest/globals';
import { clientAddress } from './client_address.ts';

test.each([
  ['192.0.2.1', undefined, true, '192.0.2.1'],
  ['192.0.2.1', '', true, '192.0.2.1'],
  ['192.0.2.1', '198.51.100.7, ', true, '192.0.2.1'],
  ['192.0.2.1', '203.0.113.5, 198.51.100.7', true, '198.51.100.7'],
  ['192.0.2.1', '203.0.113.5, 2001:db8::7', true, '2001:db8::7'],
  ['192.0.2.1', '198.51.100.7', false, '192.0.2.1'],
  ['::ffff:192.0.2.1', undefined, false, '192.0.2.1'],
  ['::1', undefined, false, '::1'],
] as const)('clientAddress() of %s, forwarded for %j, trusted %j: %s', (...args) => {
  const [connection, forwardedFor, trustProxy, expected] = args;
  expect(clientAddress(connection, forwardedFor, trustProxy)).toBe(expected);
});
