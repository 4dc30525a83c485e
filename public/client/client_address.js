/** The address of a stream, with what the options ask of it. */
export function addressOf(url, { format, since, key, where, every, parse }) {
  const isSeveral = Array.isArray(url);
  const address = isSeveral ? severalOf(url) : new URL(url, globalThis.location?.href);
  const { searchParams } = address;
  const asked = {
    format: format ?? (parse || isSeveral ? 'json' : undefined),
    since: since instanceof Date ? since.getTime() : since,
    where,
    every,
  };
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

/** Topics of one gateway are one stream: their names with commas between them. */
function severalOf(urls) {
  const all = urls.map((url) => new URL(url, globalThis.location?.href));
  const [first] = all;
  if (new Set(all.map((one) => new URL('.', one).href)).size !== 1) {
    throw new TypeError('Not of one gateway');
  }
  first.pathname = first.pathname.replace(/[^/]*$/, all.map(nameIn));
  return first;
}

/** Of the topic that an address is of. */
export function nameIn({ pathname }) {
  return pathname.split('/').at(-1);
}
