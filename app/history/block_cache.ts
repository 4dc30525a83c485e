import { LIVE } from '../log/columns.ts';
import type { Encoding } from '../log/encoding.ts';
import type { Log } from '../log/log.ts';
import type { Segment } from '../log/segment.ts';
import type { View } from '../views/view.ts';

/** A part of one partition that was read back from Kafka: all there is from `from` to `next`. */
export interface Block {
  readonly partition: number;
  readonly from: number;
  readonly next: number;
  /** `null` where the records were deleted before they could be read. */
  readonly segment: Segment | null;
  /** The end of the log when it was last looked which records are still the latest of their key, */
  checkedSeq: number;
  /** and whether all of it was below memory then. */
  wasBelowMemory: boolean;
}

/** Once for all clients, and again only when something may have been superseded since. */
export function dropSuperseded(log: Log, block: Block, segment: Segment): void {
  const { keys, start, nextSeq, supersededSeq } = log;
  if (keys === null || block.checkedSeq >= (block.wasBelowMemory ? supersededSeq : nextSeq)) return;
  for (let at = 0; at < segment.count; at++) {
    if (segment.states[at] === LIVE && !log.isLatest(segment, at)) segment.kill(at);
  }
  block.checkedSeq = nextSeq;
  block.wasBelowMemory = block.next <= start[block.partition]!;
}

/** The first row of a block's segment from an offset on; `count` where there is none. */
export function rowFrom({ offsets, count }: Segment, offset: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (offsets[middle]! < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Parts of a topic that clients below memory are at; the one used longest ago leaves first. */
export class BlockCache {
  readonly #maxBytes: number;
  readonly #blocks = new Map<number, Block[]>();
  /** In the order of their last use. */
  readonly #used = new Map<Block, number>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get records(): number {
    let records = 0;
    for (const { segment } of this.#used.keys()) records += segment?.count ?? 0;
    return records;
  }

  /** The block that holds an offset of a partition. */
  find(partition: number, offset: number): Block | null {
    const blocks = this.#blocks.get(partition);
    const block = blocks?.[firstPast(blocks, offset)];
    if (block === undefined || block.from > offset) return null;
    this.#touch(block);
    return block;
  }

  /** Makes no room: what came with it has not been taken yet by those who wait, see `trim`. */
  add(block: Block): void {
    const blocks = this.#blocks.get(block.partition) ?? [];
    this.#blocks.set(block.partition, blocks);
    const at = firstPast(blocks, block.from);
    const known = blocks[at];
    // Read twice, by two readers that met.
    if (known !== undefined && known.from < block.next) this.#remove(known);
    blocks.splice(firstPast(blocks, block.from), 0, block);
    this.#touch(block);
  }

  encode(block: Block, segment: Segment, view: View): Encoding {
    const encoding = segment.encode(view);
    this.#touch(block);
    this.trim();
    return encoding;
  }

  /** Keeps what fits, and the block used last. */
  trim(): void {
    for (const oldest of this.#used.keys()) {
      if (this.#bytes <= this.#maxBytes || this.#used.size === 1) break;
      this.#remove(oldest);
    }
  }

  #touch(block: Block): void {
    const before = this.#used.get(block) ?? 0;
    const now = heldBytes(block);
    this.#used.delete(block);
    this.#used.set(block, now);
    this.#bytes += now - before;
  }

  #remove(block: Block): void {
    const blocks = this.#blocks.get(block.partition)!;
    blocks.splice(blocks.indexOf(block), 1);
    this.#bytes -= this.#used.get(block)!;
    this.#used.delete(block);
  }
}

/** Where the first block that ends past an offset is, or would be. */
function firstPast(blocks: readonly Block[], offset: number): number {
  let low = 0;
  let high = blocks.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (blocks[middle]!.next <= offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

function heldBytes({ segment }: Block): number {
  return 128 + (segment === null ? 0 : segment.heldBytes + segment.encodedBytes);
}
