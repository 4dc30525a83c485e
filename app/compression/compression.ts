import type { Compressor } from '../ports/compression.ts';
import { Deflaters } from './deflaters.ts';
import { GzipMember } from './gzip_member.ts';
import { SharedDeflate } from './shared_deflate.ts';

/**
 * Compresses the streams of a gateway: what many clients get at one place of their view once for all of
 * them, with what came before as its window; what one gets alone by itself.
 */
export class Compression {
  readonly #deflaters: Deflaters;
  /** By feed and view; of views that somebody has. */
  readonly #shared = new Map<object, Map<object, SharedDeflate>>();

  constructor(compressor: Compressor) {
    this.#deflaters = new Deflaters(compressor);
  }

  /** Begins a stream of a view of a feed; it has to be closed. */
  stream(feed: object, view: object): GzipMember {
    const views = this.#shared.get(feed) ?? new Map<object, SharedDeflate>();
    this.#shared.set(feed, views);
    const shared = views.get(view) ?? new SharedDeflate(this.#deflaters);
    views.set(view, shared);
    shared.join();
    return new GzipMember(this.#deflaters, shared, () => {
      if (shared.leave() > 0) return;
      views.delete(view);
      if (views.size === 0) this.#shared.delete(feed);
    });
  }

  /** Begins an answer that no other client gets. */
  document(): GzipMember {
    return new GzipMember(this.#deflaters, null, () => {});
  }
}
