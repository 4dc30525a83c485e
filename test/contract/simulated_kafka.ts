import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import type { RecordJson } from '../host/main.ts';
import { tellAll } from '../support/host_client.ts';
import type { Configs, NewRecord, Topic, TopicOptions, Transaction } from '../support/kafka.ts';
import { newName } from '../support/new_name.ts';
import { cursorText, type Offsets } from '../support/wire_format.ts';

/** The topics of a Kafka that lives in the hosts' memory. */
export class SimulatedKafka implements AsyncDisposable {
  readonly #names = new Set<string>();

  async createTopic(options: TopicOptions = {}): Promise<Topic> {
    const { name = newName(), partitions = 1, compacted = false } = options;
    const id = randomBytes(4).toString('hex');
    const configs = { 'cleanup.policy': compacted ? 'compact' : 'delete', ...options.configs };
    await tellAll('create', { name, id, partitions, configs });
    this.#names.add(name);
    const cursorOf = (offsets: Offsets): string => cursorText(id, offsets);
    return {
      name,
      id,
      produce: (...records) => produce(name, records, false),
      begin: (...records) => begin(name, records),
      deleteBefore: (offset, partition = 0) => tellAll('deleteBefore', { name, partition, offset }),
      configure: (changes: Configs) => tellAll('configure', { name, configs: changes }),
      addPartitions: (count) => tellAll('addPartitions', { name, count }),
      cursor: (...offsets) => cursorOf(offsets),
      cursorOf,
    };
  }

  /** Deletes a topic, if there is one of that name. */
  async deleteTopic(name: string): Promise<void> {
    await tellAll('delete', { name });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const name of this.#names) await this.deleteTopic(name);
  }
}

async function produce(
  name: string,
  records: readonly NewRecord[],
  isOpen: boolean,
): Promise<void> {
  if (records.length === 0) return;
  await tellAll('produce', { name, records: records.map(jsonOf), isOpen });
}

async function begin(name: string, records: readonly NewRecord[]): Promise<Transaction> {
  const partitions = new Set<number>();
  const more = async (...written: readonly NewRecord[]): Promise<void> => {
    for (const { partition = 0 } of written) partitions.add(partition);
    await produce(name, written, true);
  };
  await more(...records);
  const end = (isCommitted: boolean): Promise<void> =>
    tellAll('endTransaction', { name, partitions: [...partitions], isCommitted });
  return { produce: more, commit: () => end(true), abort: () => end(false) };
}

function jsonOf({ key, value, headers = [], partition, timestamp }: NewRecord): RecordJson {
  return {
    partition: partition ?? 0,
    timestamp: timestamp ?? Date.now(),
    key: base64(key),
    value: base64(value),
    headers: [...headers].map(([name, content]) => [name, base64(content)] as const),
  };
}

function base64(content: string | Uint8Array | null | undefined): string | null {
  return content === null || content === undefined
    ? null
    : Buffer.from(content as Uint8Array).toString('base64');
}
