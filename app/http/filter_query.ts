import { ExpressionError, type Names, parseTemplate } from '../expressions/expression.ts';
import { TEXT_TYPE } from '../expressions/kinds.ts';
import { constantOf, type Equality, Filter } from '../views/filter.ts';
import { type FilterParts, filterParts, joined, RECORD_NAMES } from '../views/filter_parts.ts';
import type { ViewLimit } from '../views/open_views.ts';
import { byteText } from '../views/record_facts.ts';
import { bytesOfBase64 } from '../wire/base64.ts';

/** Of all `key`, `keyBase64` and `header.<name>` of a request. */
const MAX_VALUES = 1000;
const HEADER_PREFIX = 'header.';

/** Of all `where` of a request together. */
const MAX_BYTES = 2048;
const MAX_OPERATIONS = 100;
/** What a client's own expression may name. */
const NAMES: Names = new Map([['topic', TEXT_TYPE], ...RECORD_NAMES]);
const GIVEN: ReadonlySet<string> = new Set(['topic']);

/**
 * Reads a client's own filter out of the query.
 * @returns `null` for none; what is wrong, in words, where it cannot be read
 */
export function parseFilterQuery(
  query: URLSearchParams,
  topic: string,
): FilterParts | null | string {
  const keys: string[] = [];
  const headers = new Map<string, string[]>();
  let values = 0;
  for (const [name, value] of query) {
    const isHeader = name.startsWith(HEADER_PREFIX) && value !== '';
    const isBase64 = name === 'keyBase64' && value !== '';
    if (!isHeader && !isBase64 && name !== 'key') continue;
    if (++values > MAX_VALUES) return `a filter takes at most ${MAX_VALUES} values`;
    if (isHeader) {
      const header = name.slice(HEADER_PREFIX.length);
      headers.set(header, [...(headers.get(header) ?? []), constantOf(value)]);
    } else if (isBase64) {
      const bytes = parseBase64(value);
      if (typeof bytes === 'string') return `keyBase64: ${bytes}`;
      keys.push(byteText(bytes));
    } else keys.push(constantOf(value));
  }
  const equalities: Equality[] = [];
  if (keys.length > 0) equalities.push({ field: 'key', values: keys });
  for (const [name, texts] of headers) {
    equalities.push({ field: `header:${name}`, values: texts });
  }
  const where = parseWheres(query.getAll('where'), topic);
  if (typeof where === 'string') return where;
  if (equalities.length === 0) return where;
  const parts = { equalities, conditions: [], hasGiven: false };
  return where === null ? parts : joined(parts, where);
}

function parseWheres(texts: readonly string[], topic: string): FilterParts | null | string {
  let parts: FilterParts | null = null;
  let operations = 0;
  const bytes = texts.reduce((sum, text) => sum + new TextEncoder().encode(text).length, 0);
  if (bytes > MAX_BYTES) return `where takes at most ${MAX_BYTES} bytes`;
  for (const text of texts) {
    if (text === '') continue;
    try {
      const template = parseTemplate(text, NAMES, GIVEN);
      operations += template.operations;
      if (operations > MAX_OPERATIONS) {
        return `where takes at most ${MAX_OPERATIONS} operators and calls`;
      }
      const some = filterParts(template.given({ topic }));
      parts = parts === null ? some : joined(parts, some);
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      return `where, at character ${error.offset + 1}: ${error.message}`;
    }
  }
  return parts;
}

/**
 * What is to be let through, and as what it counts where there is a most.
 * @param own what the client asks for itself
 * @param stream what its stream asks for, for this client
 * @param path of the stream
 * @param hasOpenKeys whether its keys are no secret: then all of it is as the client's own
 * @param since when the stream began to ask for that, Unix milliseconds
 */
export function filterOf(
  own: FilterParts | null,
  stream: FilterParts | null,
  path: string,
  hasOpenKeys: boolean = false,
  since: number = 0,
): { readonly filter: Filter | null; readonly limit: ViewLimit | null } {
  const parts = own === null || stream === null ? (own ?? stream) : joined(own, stream);
  if (parts === null) return { filter: null, limit: null };
  const ofStream = stream === null ? null : new Filter(stream.equalities, stream.conditions);
  const guard = hasOpenKeys || ofStream?.isOfKey === true ? null : ofStream;
  const filter = new Filter(parts.equalities, parts.conditions, guard, since);
  const { shape } = filter;
  const hasOwnShape = stream?.hasGiven === true || ofStream?.hasLongLists === true;
  const lingers = hasOwnShape && guard !== null;
  const ofOwn =
    own === null || stream === null ? filter : new Filter(own.equalities, own.conditions);
  if (own === null || ofOwn.isKeysAlone) {
    return { filter, limit: hasOwnShape ? { pool: path, shape, lingers } : null };
  }
  const pool = own.equalities.length > 0 ? 'equalities' : 'others';
  return { filter, limit: { pool, shape, lingers } };
}

/** Either alphabet, padded or not. @returns what is wrong, in words, for what is no base64 */
function parseBase64(text: string): Uint8Array | string {
  const digits = text.replace(/={1,2}$/, '');
  const stray = /[^A-Za-z0-9+/_-]/.exec(digits);
  if (stray !== null) return `no base64 at character ${stray.index + 1}`;
  if (digits.length % 4 === 1)
    return `no base64: it ends within a byte, at character ${digits.length}`;
  return bytesOfBase64(digits);
}
