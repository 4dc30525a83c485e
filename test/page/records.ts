import type { StreamRecord } from '../../public/page/stream_record.js';

let numbers = 0;

/** A record as the page has it; what is left out is of no matter. */
export function newRecord(fields: Partial<StreamRecord> = {}): StreamRecord {
  const number = ++numbers;
  return {
    kind: 'message',
    number,
    received: 0,
    topic: null,
    timestamp: 0,
    partition: 0,
    offset: number,
    key: null,
    isBinaryKey: false,
    value: `value ${number}`,
    isBinaryValue: false,
    isDecoded: false,
    schema: null,
    error: '',
    headers: [],
    id: '',
    reason: '',
    ...fields,
  };
}
