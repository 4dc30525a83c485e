/** The address of a stream, with what the options ask of it. */
export function addressOf(url, { format, since, key, where, every, parse }) {
  const address = new URL(url, globalThis.location?.href);
  const { searchParams } = address;
  const asked = { format: format ?? (parse && 'json'), since, where, every };
  asked.since = since instanceof Date ? since.getTime() : since;
  for (const [name, value] of Object.entries(asked)) {
    if (value !== undefined) searchParams.set(name, value);
  }
  if (key !== undefined) {
    searchParams.delete('key');
    searchParams.delete('keyBase64');
  }
  for (const one of key === undefined ? [] : [key].flat()) {
    if (typeof one === 'string') searchParams.append('key', one);
    else searchParams.append('keyBase64', btoa(String.fromCharCode(...one)));
  }
  return address;
}
