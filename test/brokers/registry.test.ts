import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { describe, expect, jest, test } from '@jest/globals';
import { keepRegistry, stopRegistry } from '../../runtime/embedded_kafka/registry.ts';
import { freePort } from '../support/free_port.ts';
import { Gateway, newFolder } from '../support/gateway.ts';
import { kafka } from '../support/kafka.ts';
import { onEachRuntime } from '../support/runtime.ts';
import { shared } from '../support/shared.ts';
import {
  APICURIO,
  CORPUS,
  type Corpus,
  type CorpusRecord,
  type SchemaAnswer,
} from '../values/corpus.ts';

/** The registry is fetched at the first run. */
const CASE_MS = 600_000;
jest.setTimeout(CASE_MS);

/** Answered with 500 by Apicurio 2.6.13 when it is to be registered: a record within itself. */
const NOT_TAKEN = 'Avro of its own type';

/** Those that name a schema by its number before the value; and those that Apicurio's own serializers wrote. */
const RECORDS: readonly (readonly [record: CorpusRecord, from: Corpus])[] = [
  ...CORPUS.records
    .filter(
      ({ schema, headers, title }) =>
        Number(schema) < 1000 &&
        headers.length === 0 &&
        !/\.[12]$/.test(title) &&
        title !== NOT_TAKEN,
    )
    .map((record) => [record, CORPUS] as const),
  ...APICURIO.records.map(
    (record) => [{ ...record, title: `${record.title}, of Java` }, APICURIO] as const,
  ),
];

describe('Apicurio Registry', () => {
  const registry = shared(async () => {
    const dataDir = await mkdtemp(join(process.env['TEST_FOLDER'] ?? tmpdir(), 'registry-'));
    const { signal } = new AbortController();
    const options = { port: await freePort(), dataDir, signal, onProgress: () => {} };
    const url = await keepRegistry(options);
    const values: Uint8Array[] = [];
    // One after the other: it is the registry of one who tries it.
    for (const [record, from] of RECORDS) values.push(await registered(url, record, from));
    return { url, values, [Symbol.asyncDispose]: async () => void (await stopRegistry(dataDir)) };
  });

  onEachRuntime((runtime) => {
    test('has the schemas of values that serializers of others wrote', async () => {
      const topic = await kafka.createTopic();
      await topic.produce(...registry().values.map((value) => ({ value })));
      const file = join(await newFolder(), 'streams.yaml');
      await writeFile(file, `topics: { ${topic.name}: { value: registry } }`);
      const env = { STREAMS_FILE: file, REGISTRY_URL: registry().url };
      await using gateway = await Gateway.startReady(runtime, { env });
      await using stream = await gateway.stream(`/${topic.name}?format=json`);
      const events = await stream.untilEvents(RECORDS.length);
      for (const [at, [{ title, json }]] of RECORDS.entries()) {
        const { value, error } = JSON.parse(events[at]!.data);
        expect([title, error, value]).toEqual([title, undefined, JSON.parse(json)]);
      }
    });
  });
});

/** The value, with the id that the registry gave to its schema. */
async function registered(
  url: string,
  { title, value, schema }: CorpusRecord,
  from: Corpus,
): Promise<Uint8Array> {
  const id = await register(url, title, from.schemas[schema]!);
  const bytes = value.slice();
  new DataView(bytes.buffer).setUint32(1, id);
  return bytes;
}

/** Under way or done, by subject. */
const registrations = new Map<string, Promise<number>>();

function register(url: string, subject: string, answer: SchemaAnswer): Promise<number> {
  const known = registrations.get(subject) ?? post(url, subject, answer);
  registrations.set(subject, known);
  return known;
}

async function post(url: string, subject: string, answer: SchemaAnswer): Promise<number> {
  for (const reference of answer.references ?? []) {
    const { subject: of, version } = reference as { subject: string; version: number };
    await register(url, of, CORPUS.versions[`${of}/${version}`]!);
  }
  const response = await fetch(`${url}/subjects/${encodeURIComponent(subject)}/versions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(answer),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${subject}: ${response.status} ${text}`);
  return (JSON.parse(text) as { id: number }).id;
}
