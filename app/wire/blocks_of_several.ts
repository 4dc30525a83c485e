import type { ByteWriter } from './byte_writer.ts';
import { type CursorPart, partOfId } from './topics_cursor.ts';

const LF = 0x0a;
const SLASH = 0x2f;

const encoder = new TextEncoder();
const ID = encoder.encode('id:');
/** How the data of a record begins, and of nothing else. */
const RECORD = encoder.encode('data:{"partition":');
const OBJECT = encoder.encode('data:{');

/** Bytes at which a page ends with the block that is under way, and at which it ends in any case. */
const PAGE_BYTES = 32 * 1024;
const MAX_PAGE_BYTES = 64 * 1024;

/** A topic as its blocks in a stream of several have it. */
export class NameOfSeveral {
  readonly nameHash: Uint8Array;
  /** What stands first in the object of a record. */
  readonly member: Uint8Array;

  constructor(topic: string, nameHash: Uint8Array) {
    this.nameHash = nameHash;
    this.member = encoder.encode(`"topic":${JSON.stringify(topic)},`);
  }
}

/**
 * Blocks of the stream of one topic, in `format=json`, on their way into the stream of several: each
 * record says its topic, and each id is that of all topics. They are gone through as they are asked for: of
 * a large record nothing is held but what is handed on.
 */
export class BlocksOfSeveral {
  readonly #blocks: Uint8Array;
  readonly #name: NameOfSeveral;
  /** Writes the id of all topics, where that of this one is known. */
  readonly #writeId: (out: ByteWriter, part: CursorPart) => void;
  readonly #maxBytes: number;
  #at = 0;
  /** Where the line under way ends, with its line end; 0: none is. */
  #lineEnd = 0;
  /** Whether that is the empty one behind a block. */
  #isLast = false;
  /** Whether a block is under way. */
  isWithinBlock = false;

  /**
   * @param blocks whole ones
   * @param maxBytes at which a page ends wherever it is
   */
  constructor(
    blocks: Uint8Array,
    name: NameOfSeveral,
    writeId: (out: ByteWriter, part: CursorPart) => void,
    maxBytes: number = MAX_PAGE_BYTES,
  ) {
    this.#maxBytes = maxBytes;
    this.#blocks = blocks;
    this.#name = name;
    this.#writeId = writeId;
  }

  get isOver(): boolean {
    return this.#at === this.#blocks.length;
  }

  /** Goes on until all is written, or a page is full: where a block ends, if it fits at all. */
  write(out: ByteWriter): void {
    while (!this.isOver && out.length < (this.isWithinBlock ? this.#maxBytes : PAGE_BYTES)) {
      if (this.#lineEnd === 0) this.#begin(out);
      const end = Math.min(this.#lineEnd, this.#at + this.#maxBytes - out.length);
      if (end > this.#at) out.part(this.#blocks, this.#at, end);
      this.#at = Math.max(this.#at, end);
      if (this.#at < this.#lineEnd) continue;
      this.#lineEnd = 0;
      this.isWithinBlock = !this.#isLast;
    }
  }

  /** Begins a line: writes what it has of its own. */
  #begin(out: ByteWriter): void {
    const blocks = this.#blocks;
    const begin = this.#at;
    this.#lineEnd = blocks.indexOf(LF, begin) + 1;
    this.#isLast = this.#lineEnd === begin + 1;
    this.isWithinBlock = true;
    if (this.#startsWith(RECORD)) {
      out.bytes(OBJECT);
      out.bytes(this.#name.member);
      this.#at += OBJECT.length;
    } else if (this.#startsWith(ID)) {
      const end = this.#lineEnd - 1;
      const line = blocks.subarray(begin + ID.length, end);
      const slash = line.indexOf(SLASH);
      out.bytes(ID);
      const id = slash < 0 ? line : line.subarray(0, slash);
      this.#writeId(out, partOfId(this.#name.nameHash, id));
      // The line end is what is left.
      this.#at = end;
    }
  }

  #startsWith(bytes: Uint8Array): boolean {
    for (let n = 0; n < bytes.length; n++) {
      if (this.#blocks[this.#at + n] !== bytes[n]) return false;
    }
    return true;
  }
}
