import type { Context } from 'hono';
import type { Compression } from '../compression/compression.ts';

/** How an answer is sent to whoever asks. */
export interface Encoding {
  /** What compresses it; `null`: it goes as it is. */
  readonly compression: Compression | null;
  readonly headers: Readonly<Record<string, string>>;
}

const AS_IT_IS: Encoding = { compression: null, headers: {} };
const VARY = 'accept-encoding';

/** @param compression `null` where nothing is compressed, whoever asks */
export function encodingFor(c: Context, compression: Compression | null): Encoding {
  if (compression === null) return AS_IT_IS;
  if (!takesGzip(c)) return { compression: null, headers: { vary: VARY } };
  return { compression, headers: { vary: VARY, 'content-encoding': 'gzip' } };
}

/** By its name: `*` is written by many that cannot. */
function takesGzip(c: Context): boolean {
  const codings = c.req.header('accept-encoding')?.toLowerCase().split(',') ?? [];
  return codings.some((coding) => {
    const [name, ...parameters] = coding.split(';').map((part) => part.trim());
    const quality = parameters.find((one) => /^q\s*=/.test(one))?.split('=')[1] ?? '1';
    return name === 'gzip' && Number(quality) > 0;
  });
}
