/**
 * Ways to break the core, each of which the model test must notice. `from` stands in the file
 * exactly once; when the core changes so that it does not, the mutation is to be written anew.
 */
export const MUTATIONS = [
  {
    name: 'a record is lost at the seam between history and memory',
    file: 'app/stretches/alignment.ts',
    from: 'if (offset < mine) return true;',
    to: 'if (offset <= mine) return true;',
  },
  {
    name: 'a record is doubled at the alignment',
    file: 'app/stretches/alignment.ts',
    from: 'if (offset < mine) return true;',
    to: 'if (offset + 1 < mine) return true;',
  },
  {
    name: 'memory counts as enough for a client that lacks one record of what has left it',
    file: 'app/wire/place.ts',
    from: 'if ((cursor[partition] ?? 0) < other[partition]!) return false;',
    to: 'if ((cursor[partition] ?? 0) + 1 < other[partition]!) return false;',
  },
  {
    name: 'a position stands on records instead of following the fetch',
    file: 'app/log/log.ts',
    from: 'this.#appendMove(partition, next, false);',
    to: '',
  },
  {
    name: 'the end is what the feed has read, not what Kafka says',
    file: 'app/stretches/opening.ts',
    from: 'next > (state.ends.get(partition) ?? next)',
    to: 'next > (log.positions[partition] ?? next)',
  },
  {
    name: 'a cursor is not compared with the end',
    file: 'app/stretches/opening.ts',
    from: 'const beyond = from.filter(',
    to: 'const beyond = [].filter(',
  },
  {
    name: 'a superseded record in memory is delivered',
    file: 'app/log/log.ts',
    from: 'if (previous !== null) this.#kill(previous.seq);',
    to: '',
  },
  {
    name: 'a superseded record in Kafka is delivered',
    file: 'app/log/log.ts',
    from: 'if (latest !== null) return latest.offset <= offset;',
    to: 'if (latest !== null) return true;',
  },
  {
    name: 'the latest record of a key in Kafka is left out',
    file: 'app/log/log.ts',
    from: 'if (latest !== null) return latest.offset <= offset;',
    to: 'if (latest !== null) return latest.offset < offset;',
  },
  {
    name: 'keys of different partitions are taken for one',
    file: 'app/log/key_index.ts',
    from: 'this.#hash.update(partition, key);',
    to: 'this.#hash.update(0, key);',
  },
  {
    name: 'an array that was cut before a record died is handed out again',
    file: 'app/log/encoding.ts',
    from: 'last.deaths === deaths',
    to: 'last.deaths <= deaths',
  },
  {
    name: 'what stands behind a dead record is taken for what stood there before it was let go',
    file: 'app/log/encoding.ts',
    from: 'ends[at] = packed.length;',
    to: 'ends[at] = end;',
  },
  {
    name: 'a record that was superseded after its block was read back is delivered',
    file: 'app/stretches/history.ts',
    from: 'block.checkedSeq >= (block.wasBelowMemory ? supersededSeq : nextSeq)',
    to: 'block.checkedSeq > 0',
  },
  {
    name: 'a record that was superseded below memory after its block was read back is delivered',
    file: 'app/log/log.ts',
    from: 'previous.offset < this.start[partition]!',
    to: 'false',
  },
  {
    name: 'the ids of a block are sent though a partition was added to the topic',
    file: 'app/stretches/history.ts',
    from: 'origin.length === 1 && this.#positions.length === 1',
    to: 'origin.length === 1',
  },
  {
    name: 'a page goes to a client that stands elsewhere',
    file: 'app/history/page_cache.ts',
    from: 'return a.length === b.length && a.every(',
    to: 'return a.length === b.length && a.some(',
  },
  {
    name: 'a page goes to a client after some of its records were superseded',
    file: 'app/history/page_cache.ts',
    from: 'one.logSeq === logSeq',
    to: 'one.logSeq <= logSeq',
  },
  {
    name: 'a loss is told to a client that lost nothing',
    file: 'app/stretches/history.ts',
    from: 'this.#tellsOfLoss = true;',
    to: '',
  },
  {
    name: 'ids fall behind where superseded records were squeezed out',
    file: 'app/log/segment.ts',
    from: 'this.#pass(this.partitions[at]!, nexts[at]!, last);',
    to: '',
  },
  {
    name: 'an id does not name a partition that was added',
    file: 'app/stretches/alignment.ts',
    from: 'return this.#ahead === 0 && this.#place.unknown.length === 0 && namesAll;',
    to: 'return this.#ahead === 0 && this.#place.unknown.length === 0;',
  },
  {
    name: 'an id does not name a partition that this replica does not know yet',
    file: 'app/stretches/page_writer.ts',
    from: 'if (lines.length > 0) this.#events++;\n    writeId(this.#out, place);',
    to: 'if (lines.length > 0) this.#events++;\n    writeId(this.#out, { ...place, unknown: [] });',
  },
  {
    name: 'a partition that the topic lacks is waited for for ever',
    file: 'app/stretches/opening.ts',
    from: 'partition >= partitions)',
    to: 'partition >= partitions + 9)',
  },
  {
    name: 'a partition counts as lacking when it is denied once',
    file: 'app/stretches/opening.ts',
    from: 'if (this.#wasDenied)',
    to: 'if (true)',
  },
  {
    name: 'an id is sent before its data',
    file: 'app/stretches/history.ts',
    from: 'this.#positions[partition] = segment.offsets[at]! + 1;',
    to: 'this.#positions[partition] = segment.offsets[at]! + 2;',
  },
  {
    name: 'a gap is not told to a client that reads below memory',
    file: 'app/stretches/history.ts',
    from: 'page.gap(retentionGap(topic, partition, from, to), this.#place);',
    to: '',
  },
  {
    name: 'a gap is not told to a client that reads from memory',
    file: 'app/feed/feed.ts',
    from: "return this.#source.offsets(this.topic, jumped, 'earliest', signal);",
    to: 'return new Map();',
  },
  {
    name: 'clients stay with a topic that was made anew',
    file: 'app/stretches/shared.ts',
    from: 'if (log.successor !== null)',
    to: 'if (false)',
  },
  {
    name: 'any topic is taken for the one of the cursor',
    file: 'app/wire/topic_id.ts',
    from: 'return areSame(a, b) || areSame(a, NO_TOPIC_ID) || areSame(b, NO_TOPIC_ID);',
    to: 'return true;',
  },
  {
    name: 'those who wait for a free reader are forgotten',
    file: 'app/history/history_pool.ts',
    from: `this.#readers.delete(reader);
        this.#openReaders();`,
    to: 'this.#readers.delete(reader);',
  },
  {
    name: 'those who wait for a free slot are forgotten',
    file: 'app/history/reader_slots.ts',
    from: 'freed();',
    to: '',
  },
  {
    name: 'blocks leave the cache before those who wait have taken them',
    file: 'app/history/history_pool.ts',
    from: `wakeAll(this.#takeWaiting());
      this.#blocks.trim();`,
    to: `this.#blocks.trim();
      wakeAll(this.#takeWaiting());`,
  },
  {
    name: 'a client is told that it is live before it has what was there',
    file: 'app/stretches/client.ts',
    from: 'return this.#liveAt !== null && stretch.isPast(this.#liveAt);',
    to: 'return this.#liveAt !== null && stretch.place() !== null;',
  },
  {
    name: 'the start of a stream with since is not told',
    file: 'app/stretches/route.ts',
    from: "if (first === 'place') return idFrame(place);",
    to: "if (first === 'place') return null;",
  },
  {
    name: 'a client that wants the last offsets begins too early',
    file: 'app/stretches/opening.ts',
    from: '(ends.get(partition) ?? 0) + back',
    to: '(ends.get(partition) ?? 0) + 2 * back',
  },
  {
    name: 'an idle client is not told that it has passed what does not show',
    file: 'app/log/encoding.ts',
    from: 'const isPastId = last < at - 1;',
    to: 'const isPastId = false;',
  },
  {
    name: 'an idle client is told again where it is',
    file: 'app/stretches/subscription.ts',
    from: 'place === null || !this.#client.isPastId',
    to: 'place === null',
  },
  {
    name: 'records that only one client gets are not counted as sent',
    file: 'app/stretches/page_writer.ts',
    from: 'if (lines.length > 0) this.#events++;',
    to: '',
  },
  {
    name: 'records are counted as gaps',
    file: 'app/log/encoding.ts',
    from: 'if (states[at] === GAP) gaps++;',
    to: 'gaps++;',
  },
  {
    name: "what a client gets of another one's page is not counted as sent",
    file: 'app/stretches/history.ts',
    from: 'topic.traffic.send(known);',
    to: '',
  },
];
