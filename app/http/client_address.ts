/**
 * Whose address counts: the connection's, or with `TRUST_PROXY` the last entry of
 * `X-Forwarded-For`, the only one that the proxy in front wrote and not the client.
 */
export function clientAddress(
  connectionAddress: string,
  forwardedFor: string | undefined,
  trustProxy: boolean,
): string {
  const last = trustProxy ? forwardedFor?.split(',').at(-1)?.trim() : undefined;
  // An IPv4 client is `::ffff:1.2.3.4` to a listener on `::`.
  return (last || connectionAddress).replace(/^::ffff:(?=\d+\.)/i, '');
}
