/** One segment of a path: as it stands, or whatever is there, under a name. */
export type Segment = { readonly literal: string } | { readonly parameter: string };

/** What a path of the streams file has to be, as a fault says it. */
const EXPECTED = 'a path such as /customers/{id}/orders';

/** Names as expressions have them. */
const PARAMETER = /^\{([A-Za-z_]\w*)\}$/;

/**
 * Reads a path of the streams file: literal segments, as they are once percent-encoding is decoded, and
 * `{name}`, which takes one segment.
 * @throws Error in words
 */
export function parsePath(text: string): Segment[] {
  if (!text.startsWith('/')) throw new Error(`${EXPECTED} begins with /`);
  if (/[?#%\\]|\p{Cc}/u.test(text)) throw new Error(`${EXPECTED} has none of ? # % \\ in it`);
  const segments = text.slice(1).split('/').map(segmentOf);
  const names = parametersOf(segments);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw new Error(`{${twice}} stands in the path twice`);
  const [first] = segments;
  if (segments.length > 1 && first !== undefined && 'literal' in first && first.literal === '-') {
    throw new Error('no path below /-/: these are the gateway’s own');
  }
  return segments;
}

function segmentOf(text: string): Segment {
  const [, parameter] = PARAMETER.exec(text) ?? [];
  if (parameter !== undefined) return { parameter };
  if (/[{}]/.test(text)) throw new Error(`${EXPECTED}: {name} is a segment by itself`);
  if (text === '.' || text === '..') throw new Error(`${EXPECTED}, without . and ..`);
  return { literal: text };
}

/** The same for all that take the same paths. */
export function shapeOf(segments: readonly Segment[]): string {
  return JSON.stringify(segments.map((segment) => ('literal' in segment ? segment.literal : null)));
}

/** The segments of a request's path, each decoded once; null where one is not UTF-8. */
export function segmentsOf(pathname: string): string[] | null {
  try {
    return pathname.slice(1).split('/').map(decodeURIComponent);
  } catch {
    return null;
  }
}

/** The names of its parameters, in order. */
export function parametersOf(segments: readonly Segment[]): string[] {
  return segments.flatMap((segment) => ('parameter' in segment ? segment.parameter : []));
}
