/**
 * What a client counts by: the address of its connection, or with `TRUST_PROXY` the last entry of
 * `X-Forwarded-For`, the only one that the proxy in front wrote and not the client. Of an IPv6
 * address the first 64 bits, because a single machine has all that begin so.
 */
export function clientAddress(
  connectionAddress: string,
  forwardedFor: string | undefined,
  trustProxy: boolean,
): string {
  const last = trustProxy ? forwardedFor?.split(',').at(-1)?.trim() : undefined;
  return counted(withoutPort(last || connectionAddress));
}

/** Some proxies put the port behind the address; an IPv6 one then stands in brackets. */
function withoutPort(text: string): string {
  const [, ipv6, ipv4] = /^(?:\[([^\]]*)\](?::\d+)?|([\d.]+):\d+)$/.exec(text) ?? [];
  return ipv6 ?? ipv4 ?? text;
}

/** How a listener on `::` writes nearly every IPv4 client; the long way takes 15 µs. */
const MAPPED_IPV4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/;

function counted(address: string): string {
  if (!address.includes(':')) return address;
  const [, mapped] = MAPPED_IPV4.exec(address) ?? [];
  if (mapped !== undefined) return mapped;
  // The URL knows every spelling of an address, but no zone (`fe80::1%eth0`).
  const url = `http://[${address.replace(/%.*/, '')}]`;
  if (!URL.canParse(url)) return address;
  const [left = '', right = ''] = new URL(url).hostname.slice(1, -1).split('::');
  const before = left === '' ? [] : left.split(':');
  const after = right === '' ? [] : right.split(':');
  const zeros = Array<string>(8 - before.length - after.length).fill('0');
  const groups = [...before, ...zeros, ...after];
  return ipv4Of(groups) ?? `${groups.slice(0, 4).join(':')}::/64`;
}

/** An IPv4 client is `::ffff:1.2.3.4` to a listener on `::`. */
function ipv4Of(groups: readonly string[]): string | null {
  if (groups.slice(0, 6).join(':') !== '0:0:0:0:0:ffff') return null;
  return groups
    .slice(6)
    .map((group) => Number.parseInt(group, 16))
    .map((pair) => `${pair >> 8}.${pair & 255}`)
    .join('.');
}
