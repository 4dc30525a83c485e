import { Buffer } from 'node:buffer';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import specs from '@asyncapi/specs';
import { describe, expect, test } from '@jest/globals';
import { Ajv } from 'ajv';
import { eventually, within } from '../support/deadline.ts';
import { FakeRegistry } from '../support/fake_registry.ts';
import { Issuer } from '../support/issuer.ts';
import { onEachRuntime } from '../support/runtime.ts';
import { Scrape } from '../support/scrape.ts';
import type { SseStream } from '../support/sse_stream.ts';
import { CORPUS, type CorpusRecord } from '../values/corpus.ts';
import { Gateway, kafka } from './face.ts';

const TIME = 1_700_000_000_000;
/** Records as old as that would be deleted otherwise. */
const KEPT = { configs: { 'retention.ms': '-1' } };

function fileOf(text: string): string {
  const folder = mkdtempSync(join(process.env['TEST_FOLDER'] ?? tmpdir(), 'values-'));
  writeFileSync(join(folder, 'streams.yaml'), text);
  return join(folder, 'streams.yaml');
}

/** The first records, as `format=json` has them. */
async function readOf(stream: SseStream, count: number): Promise<object[]> {
  const messages = () => stream.events.filter(({ event }) => event === 'message');
  await stream.until(`${count} records`, () => messages().length >= count);
  return messages().map(({ data }) => JSON.parse(data));
}

onEachRuntime((runtime) => {
  describe('value: json', () => {
    const PRETTY = ' {\r\n  "a": 9007199254740993\n}\n';

    test('shows the JSON in format=json, in a stream, in a document and to a stream of the file', async () => {
      const topic = await kafka.createTopic(KEPT);
      await topic.produce(
        { timestamp: TIME, key: 'k', value: PRETTY, headers: [['h', '1']] },
        { timestamp: TIME, value: '{"a":' },
        { timestamp: TIME, value: '' },
        { timestamp: TIME, value: Uint8Array.of(0xff) },
        { timestamp: TIME, key: 'gone', value: null },
      );
      const text = `
topics: { ${topic.name}: { value: json } }
streams: { /again: { topic: ${topic.name} } }
`;
      const env = { STREAMS_FILE: fileOf(text) };
      await using gateway = await Gateway.startReady(runtime, { env });
      const place = (offset: number): string =>
        `{"partition":0,"offset":${offset},"timestamp":${TIME},`;
      const expected = [
        `${place(0)}"key":"k","value":{\n  "a": 9007199254740993\n},"headers":[["h","1"]]}`,
        `${place(1)}"key":null,"value":"{\\"a\\":","error":"not JSON"}`,
        `${place(2)}"key":null,"value":"","error":"not JSON"}`,
        `${place(3)}"key":null,"valueBase64":"/w==","error":"not JSON"}`,
        `${place(4)}"key":"gone","value":null}`,
      ];
      for (const path of [`/${topic.name}`, '/again']) {
        await using stream = await gateway.stream(`${path}?format=json`);
        const events = await stream.untilEvents(6);
        expect(events.map(({ data }) => data)).toEqual([...expected, '{}']);

        const answer = await fetch(`${gateway.http}${path}?until=live`, {
          headers: { accept: 'application/json' },
        });
        const body = await answer.text();
        const records = expected.map((record) => JSON.parse(record));
        expect(JSON.parse(body)).toMatchObject({ records });
        expect(body).toContain('9007199254740993');
      }

      await using plain = await gateway.stream(`/${topic.name}`);
      const [first] = await plain.untilEvents(1);
      expect(first!.data).toBe(' {\n  "a": 9007199254740993\n}\n');

      const listed = await (await fetch(`${gateway.http}/-/topics`)).json();
      expect(listed).toMatchObject({
        topics: [
          { path: `/${topic.name}`, value: 'json' },
          { path: '/again', value: 'json' },
        ],
      });
    });
  });

  describe('value: registry', () => {
    /** A gateway that reads the values of a topic, and another topic as it is. */
    async function start(registry: FakeRegistry, topics: readonly string[], more: object = {}) {
      const [read, plain] = topics;
      const text = `topics: { ${read}: { value: registry }, ${plain ?? 'other'}: }`;
      const env = { STREAMS_FILE: fileOf(text), REGISTRY_URL: registry.url, ...more };
      return Gateway.start(runtime, { env });
    }

    const titled = (title: string): CorpusRecord =>
      CORPUS.records.find((record) => record.title === title)!;

    test('shows the JSON of Avro, Protobuf and JSON Schema, with the id of the schema', async () => {
      await using registry = await FakeRegistry.start();
      const topic = await kafka.createTopic();
      const wanted = CORPUS.records.filter(({ title }) => !/^Avro \d/.test(title));
      await topic.produce(...wanted);
      const signIn = { REGISTRY_USERNAME: 'me', REGISTRY_PASSWORD: 'é' };
      await using gateway = await start(registry, [topic.name], signIn);

      await using stream = await gateway.stream(`/${topic.name}?format=json`);
      const records = await readOf(stream, wanted.length);
      for (const [at, { title, schema, json }] of wanted.entries()) {
        expect([title, records[at]]).toEqual([
          title,
          expect.objectContaining({ offset: at, value: JSON.parse(json), schema }),
        ]);
      }
      await using text = await gateway.stream(`/${topic.name}`);
      const events = await text.untilEvents(wanted.length);
      expect(events.map(({ data }) => JSON.parse(data))).toEqual(
        wanted.map(({ json }) => JSON.parse(json)),
      );

      expect(new Set(registry.asked).size).toBe(registry.asked.length);
      expect([...registry.authorizations]).toEqual([
        `Basic ${Buffer.from('me:é').toString('base64')}`,
      ]);
      const scrape = await Scrape.of(gateway);
      expect(scrape.one('sse_kafka_registry_up').value).toBe(1);
      const labels = { topic: topic.name, result: 'ok' };
      expect(scrape.one('sse_kafka_decode_total', labels).value).toBe(2 * wanted.length);
    });

    test('shows what cannot be read as bytes, with the reason, and leaves nothing out', async () => {
      await using registry = await FakeRegistry.start();
      const topic = await kafka.createTopic();
      const { value, json, schema } = titled('Avro with references');
      const unknown = Uint8Array.of(0, 255, 255, 255, 255, 1);
      const cut = value.subarray(0, value.length - 1);
      await topic.produce({ value: unknown }, { value: cut }, { value: 'text' }, { value });
      await topic.produce({ key: 'gone', value: null });
      await using gateway = await start(registry, [topic.name]);

      await using stream = await gateway.stream(`/${topic.name}?format=json`);
      const events = await stream.untilEvents(5);
      const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
      expect(events[0]!.data).toContain(
        `"key":null,"valueBase64":"${base64(unknown)}","error":"unknown schema 4294967295"}`,
      );
      expect(events[1]!.data).toMatch(new RegExp(`,"error":"not of schema ${schema}: [^"]+"}$`));
      expect(events[2]!.data).toContain('"value":"text","error":"no schema id"}');
      expect(JSON.parse(events[3]!.data)).toMatchObject({ value: JSON.parse(json), schema });
      expect(events[4]!.data).toContain('"key":"gone","value":null}');
      // Asked for once, however many name it.
      await topic.produce({ value: unknown });
      await stream.untilEvents(6);
      const asked = registry.asked.filter((path) => path === '/schemas/ids/4294967295');
      expect(asked).toHaveLength(1);

      await using text = await gateway.stream(`/${topic.name}`);
      const texts = (await text.untilEvents(4)).slice(0, 4);
      expect(texts.map(({ data }) => data)).toEqual([
        '\0\ufffd\ufffd\ufffd\ufffd\u0001',
        new TextDecoder('utf-8', { ignoreBOM: true }).decode(cut),
        'text',
        json,
      ]);
    });

    test('waits for a registry that is out of reach, and holds no other topic up', async () => {
      await using registry = await FakeRegistry.start();
      const topic = await kafka.createTopic();
      const plain = await kafka.createTopic();
      const { value, json } = titled('Avro with references');
      await topic.produce({ value });
      await plain.produce({ value: 'here' });
      registry.temper = 503;
      await using gateway = await start(registry, [topic.name, plain.name], {
        REGISTRY_WAIT_SECONDS: '600',
      });
      await using stream = await gateway.stream(`/${topic.name}?format=json`);
      await using other = await gateway.stream(`/${plain.name}`);
      expect((await other.untilEvents(1))[0]!.data).toBe('here');
      for (const temper of ['nonsense', 'redirect', 401, 403, 500] as const) {
        registry.temper = temper;
        const word = typeof temper === 'number' ? `status ${temper}` : /no JSON|not followed/;
        await eventually(`/readyz to tell of ${temper}`, async () => {
          const { registry: told } = (await gateway.readiness()) as {
            registry?: { up: boolean; error: string };
          };
          return told?.up === false && told.error.match(word) !== null;
        });
      }
      expect((await Scrape.of(gateway)).one('sse_kafka_registry_up').value).toBe(0);
      expect(stream.events).toEqual([]);
      registry.temper = 'good';
      const [record] = await readOf(stream, 1);
      expect(record).toMatchObject({ value: JSON.parse(json) });
      expect((await gateway.readiness()) as object).toMatchObject({
        registry: { up: true, error: null },
      });
    });

    test('waits so long once, then shows the bytes, until the registry answers', async () => {
      await using registry = await FakeRegistry.start();
      const topic = await kafka.createTopic();
      const first = titled('Avro with references');
      const second = titled('Avro of its own type');
      registry.temper = 503;
      await topic.produce({ value: first.value }, { value: first.value });
      await using gateway = await start(registry, [topic.name], { REGISTRY_WAIT_SECONDS: '1' });
      await using stream = await gateway.stream(`/${topic.name}?format=json`);
      for (const record of await readOf(stream, 2)) {
        expect(record).toHaveProperty('error', expect.stringMatching(/could not be had/));
      }
      await topic.produce({ value: second.value });
      const [, , third] = await readOf(stream, 3);
      expect(third).toHaveProperty('error', expect.stringMatching(/could not be had/));

      // Who asks for the value is told, who does not gets the rest.
      const all = async (query: string) => {
        await using asked = await gateway.stream(`/${topic.name}?until=live&${query}`);
        await within('its end', asked.over);
        return asked.events.map(({ event, data }) => [event, event === 'gap' ? data : '']);
      };
      const gap = (from: number) => [
        'gap',
        `{"reason":"unread","topic":"${topic.name}","partitions":[{"partition":0,"from":${from},"to":${from + 1}}]}`,
      ];
      const live = ['live', ''];
      const ofAll = [gap(0), gap(1), gap(2), live];
      await using waits = await gateway.stream(
        `/${topic.name}?since=latest&where=${encodeURIComponent('has(value.no) && offset < 4')}`,
      );
      await waits.until('its place', () => waits.blocks.length > 1);
      expect(await all('where=value.no+==+1')).toEqual(ofAll);
      expect(await all('where=value.no+>+1')).toEqual(ofAll);
      expect(await all('where=value.no+>+1+%26%26+offset+==+1')).toEqual([gap(1), live]);
      const some = [['message', ''], ['message', ''], live];
      expect(await all('where=offset+<+2+||+value.no+==+1')).toEqual([
        some[0],
        some[0],
        gap(2),
        live,
      ]);
      expect(await all('where=offset+<+2')).toEqual(some);
      expect(await all('header.none=1')).toEqual([live]);
      await topic.produce({ value: second.value });
      const [told] = await waits.untilEvents(1);
      expect([told!.event, told!.data]).toEqual(gap(3));
      expect(told!.id).toBe(topic.cursor(4));
      const scrape = await Scrape.of(gateway);
      const unread = { topic: topic.name, reason: 'unread' };
      expect(scrape.one('sse_kafka_gaps_total', unread).value).toBe(9);

      registry.temper = 'good';
      await eventually('/readyz to say that it answers', async () => {
        const { registry: told } = (await gateway.readiness()) as { registry?: { up: boolean } };
        return told?.up === true;
      });
      await topic.produce({ value: second.value });
      const fifth = (await readOf(stream, 5)).at(-1);
      expect(fifth).toMatchObject({ value: JSON.parse(second.json), schema: second.schema });
    });

    test('tells of the schemas of values in the descriptions, those alone who may read them', async () => {
      await using registry = await FakeRegistry.start();
      await using issuer = await Issuer.start();
      const [read, other] = [await kafka.createTopic(), await kafka.createTopic()];
      const wanted = [titled('Avro of its own type'), titled('Protobuf, everything')];
      await read.produce({ value: 'unread' }, ...wanted, titled('JSON Schema'));
      await other.produce(titled('Avro with references'));
      const text = `
topics:
  ${read.name}: { value: registry, require: '"read" in scopes' }
  ${other.name}: { value: registry, require: "true" }
streams:
  /both: { topics: [${read.name}, ${other.name}], require: '"read" in scopes' }
`;
      const env = { ...issuer.env, STREAMS_FILE: fileOf(text), REGISTRY_URL: registry.url };
      await using gateway = await Gateway.startReady(runtime, { env });
      const tokens = [await issuer.token({ scope: 'read' }), await issuer.token({})] as const;
      const described = async (name: string, token: string): Promise<Description> => {
        const headers = { authorization: `Bearer ${token}` };
        return (await fetch(`${gateway.http}/-/${name}.json`, { headers })).json() as never;
      };
      const ajv = new Ajv({ strict: false, validateFormats: false });
      const isAsyncapi = ajv.compile(specs.schemasWithoutId['3.0.0'] as object);
      // Nothing is known yet.
      const before = await described('asyncapi', tokens[0]);
      expect(Object.keys(before.components.schemas).join()).not.toMatch(/schema[.]/);

      const records = async (path: string): Promise<object[]> => {
        const headers = { authorization: `Bearer ${tokens[0]}`, accept: 'application/json' };
        const answer = await fetch(`${gateway.http}${path}?until=live`, { headers });
        return ((await answer.json()) as { records: object[] }).records;
      };
      const [ofRead, ofBoth] = [await records(`/${read.name}`), await records('/both')];
      expect([ofRead.length, ofBoth.length]).toEqual([4, 5]);

      const asyncapi = await described('asyncapi', tokens[0]);
      expect(isAsyncapi(asyncapi) ? [] : isAsyncapi.errors).toEqual([]);
      const openapi = await described('openapi', tokens[0]);
      const takes = (
        name: string,
        description: object,
        path: string,
      ): ((one: unknown) => unknown) => {
        if (ajv.getSchema(name) === undefined) ajv.addSchema(description, name);
        const holds = ajv.compile({ $ref: `${name}#/${path}` });
        return (one) => (holds(one) ? [] : holds.errors);
      };
      for (const [at, path, all] of [
        [read.name, `~1${read.name}`, ofRead],
        ['stream::both', '~1both', ofBoth],
      ] as const) {
        const message = `channels/${at}/messages/json.message/payload`;
        const faults = takes('asyncapi', asyncapi, message);
        for (const record of all) expect([record, faults(record)]).toEqual([record, []]);
        const content = 'get/responses/200/content/application~1json/schema';
        const document = takes('openapi', openapi, `paths/${path}/${content}`);
        const whole = { records: all, id: 'AA==' };
        expect([whole, document(whole)]).toEqual([whole, []]);
        const text = takes('asyncapi', asyncapi, `channels/${at}/messages/text.message/payload`);
        expect(text('{"a":1}')).toEqual([]);
        const odd = { ...all[0], value: 7 };
        expect(faults(odd)).not.toEqual([]);
        expect(document({ ...whole, records: [odd] })).not.toEqual([]);
      }

      for (const name of ['asyncapi', 'openapi']) {
        const { schemas } = (await described(name, tokens[1])).components;
        const names = Object.keys(schemas).filter((one) => /^(schema|record)[.]/.test(one));
        const { schema } = titled('Avro with references');
        expect(names.filter((one) => !one.startsWith(`schema.${schema}`))).toEqual([
          `record.${other.name}`,
        ]);
      }
    });
  });
});

interface Description {
  readonly components: { readonly schemas: object };
}
