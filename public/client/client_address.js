/** The address of a stream, with what the options ask of it. */
export function addressOf(url, { format, since, key, where, every, parse }) {
  const isSeveral = Array.isArray(url);
  const address = isSeveral ? severalOf(url) : new URL(url, globalThis.location?.href);
  const { searchParams } = address;
  const asked = {
    format: format ?? (parse || isSeveral ? 'json' : undefined),
    since,
    where,
    every,
  };
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

/** Topics of one gateway are one stream: their names with commas between them. */
function severalOf(urls) {
  const all = urls.map((url) => new URL(url, globalThis.location?.href));
  const [first] = all;
  const folderOf = ({ origin, pathname }) => origin + pathname.replace(/[^/]*$/, '');
  if (first === undefined || all.some((one) => folderOf(one) !== folderOf(first))) {
    throw new TypeError('Expected the addresses of topics of one gateway');
  }
  const names = all.map(({ pathname }) => pathname.split('/').at(-1));
  first.pathname = first.pathname.replace(/[^/]*$/, names.join());
  return first;
}
