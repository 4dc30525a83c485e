import { Buffer } from 'node:buffer';
import { gzipSync } from 'node:zlib';

/** Of tar: all is padded to whole blocks of this. */
const BLOCK = 512;
/** As npm's own packages have it: no file is dated 1970, which some tools refuse. */
const MODIFIED = Date.UTC(1985, 9, 26, 8, 15) / 1000;

/**
 * A package as `npm install URL` takes it: the same bytes for the same files on every runtime, as
 * lock files have their hash. So it is stored, not deflated, which no two zlibs do alike.
 *
 * @param files by their names
 */
export function npmPackage(
  files: readonly (readonly [name: string, bytes: Uint8Array])[],
): Uint8Array<ArrayBuffer> {
  const blocks = files
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, bytes]) => [
      head(`package/${name}`, bytes.length),
      bytes,
      new Uint8Array(-bytes.length & (BLOCK - 1)),
    ]);
  const tar = Buffer.concat([...blocks, new Uint8Array(2 * BLOCK)]);
  const packed = new Uint8Array(gzipSync(tar, { level: 0 }));
  // The system that it was made on: unknown.
  packed[9] = 255;
  return packed;
}

/** Of a plain file, in the format of POSIX (ustar). */
function head(path: string, size: number): Uint8Array {
  const block = new Uint8Array(BLOCK);
  const put = (at: number, text: string): void => block.set(new TextEncoder().encode(text), at);
  const octal = (value: number, digits: number): string => value.toString(8).padStart(digits, '0');
  put(0, path);
  put(100, `${octal(0o644, 7)}\0${octal(0, 7)}\0${octal(0, 7)}\0`);
  put(124, `${octal(size, 11)} ${octal(MODIFIED, 11)} `);
  // The sum is taken with blanks in its own place.
  put(148, ' '.repeat(8));
  put(156, '0');
  put(257, 'ustar\x0000');
  const sum = block.reduce((all, byte) => all + byte, 0);
  put(148, `${octal(sum, 6)}\0 `);
  return block;
}
