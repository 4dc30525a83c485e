import type { Reader as LibraryReader } from '@platformatic/kafka';
import { Reader } from './platformatic_on_node20.ts';

/**
 * Reads an answer from its first byte to its last. The client's own reader goes back where a length
 * is negative, so that an answer of garbage could be read for ever.
 */
export class ForwardReader extends Reader {
  constructor({ buffer, position }: LibraryReader) {
    // In one piece: a read over the chunks of a socket looks for its chunk each time.
    super(Reader.from(buffer.slice(position)).buffer);
    let at = 0;
    Object.defineProperty(this, 'position', {
      get: () => at,
      set: (next: number) => {
        if (!(next >= at && next <= this.length)) throw new Error('an answer that makes no sense');
        at = next;
      },
    });
  }
}
