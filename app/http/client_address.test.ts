import { describe, expect, test } from '@jest/globals';
import { clientAddress } from './client_address.ts';

describe('clientAddress()', () => {
  test.each([
    ['192.0.2.1', undefined, true, '192.0.2.1'],
    ['192.0.2.1', '', true, '192.0.2.1'],
    ['192.0.2.1', '198.51.100.7, ', true, '192.0.2.1'],
    ['192.0.2.1', '203.0.113.5, 198.51.100.7', true, '198.51.100.7'],
    ['192.0.2.1', '203.0.113.5, 2001:db8::7', true, '2001:db8:0:0::/64'],
    ['192.0.2.1', '198.51.100.7', false, '192.0.2.1'],
    ['192.0.2.1', 'unknown', true, 'unknown'],
    ['::1', undefined, false, '0:0:0:0::/64'],
  ] as const)('clientAddress() of %s, forwarded for %j, trusted %j: %s', (...args) => {
    const [connection, forwardedFor, trustProxy, expected] = args;
    expect(clientAddress(connection, forwardedFor, trustProxy)).toBe(expected);
  });

  test.each([
    [
      '192.0.2.1',
      '192.0.2.1:50000',
      '::ffff:192.0.2.1',
      '[::FFFF:C000:201]:443',
      '::ffff:c000:201',
    ],
    ['2001:db8::1', '2001:DB8:0:0:0:0:0:1', '2001:0db8::', '[2001:db8::1]', '[2001:db8::2]:50000'],
    ['2001:db8:0:7::1', '2001:db8::7:ffff:ffff:ffff:ffff', '2001:db8:0:7:1:2:192.0.2.1'],
    ['fe80::1%eth0', 'fe80::2', 'fe80:0:0::3%1'],
    ['1::', '1:0:0:0:0:0:0:9'],
    ['::', '::9'],
  ])('clientAddress() counts %s as one client, however it is spelled', (...spellings) => {
    const counted = spellings.flatMap((text) => [
      clientAddress('192.0.2.9', `203.0.113.5, ${text}`, true),
      clientAddress(text, undefined, false),
    ]);
    expect(new Set(counted).size).toBe(1);
  });

  test('clientAddress() counts neighbours apart', () => {
    const texts = [
      '192.0.2.1',
      '192.0.2.2',
      '2001:db8:0:7::1',
      '2001:db8:0:8::1',
      '1:2:3::',
      '1:2::',
    ];
    expect(new Set(texts.map((text) => clientAddress(text, undefined, false))).size).toBe(6);
  });
});
