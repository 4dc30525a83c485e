/**
 * The bytes of base64 in either alphabet, padded or not.
 * @throws DOMException where it is none
 */
export function bytesOfBase64(text: string): Uint8Array {
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < bytes.length; at++) bytes[at] = binary.charCodeAt(at);
  return bytes;
}
