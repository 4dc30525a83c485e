import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { Ajv } from 'ajv';
import { CLONE } from '../../runtime/embedded_kafka/clone.ts';
import { newFolder } from '../support/gateway.ts';
import { HostedGateway } from '../support/hosted_gateway.ts';
import { kafka, type Topic } from '../support/kafka.ts';
import { run } from '../support/program.ts';
import { PYTHON } from '../support/python.ts';
import { onRuntimesOfTier } from '../support/runtime.ts';
import { shared } from '../support/shared.ts';
import type { Block } from '../support/sse_stream.ts';
import { IS_ALL } from '../support/tier.ts';

const CONFIG = fileURLToPath(new URL('../python/schemathesis.toml', import.meta.url));
const FORMATS = fileURLToPath(new URL('../python/schemathesis_formats.py', import.meta.url));
/** Which characters there are, once for all runs: else each finds that out for 8 s of a processor. */
const CHARACTERS = join(CLONE, '.cache', 'python', 'hypothesis');
/** Of each operation, and of each way to break it. */
const EXAMPLES = IS_ALL ? [] : ['--max-examples', '10'];
const ADMIN_PATHS = '^/(livez|readyz|metrics)$';

/** Bytes that are no UTF-8. */
const BINARY = Uint8Array.of(0xff, 0x00, 0xfe);

onRuntimesOfTier((runtime) => {
  describe('the descriptions', () => {
    let topic!: Topic;
    let busy!: Topic;
    const gateway = shared(async () => {
      topic = await kafka.createTopic();
      busy = await kafka.createTopic({ compacted: true });
      await topic.produce(
        { key: 'a', value: 'text' },
        {
          key: BINARY,
          value: BINARY,
          headers: [
            ['text', 'r4'],
            ['bytes', BINARY],
          ],
        },
        { key: null, value: '' },
        { key: 'deleted', value: null, headers: [['by', 'me']] },
        { key: BINARY, value: null },
      );
      return HostedGateway.startReady(runtime, {
        topics: [busy.name, topic.name],
        // Streams that nothing comes on end before schemathesis gives up.
        env: { MAX_AGE_SECONDS: '1' },
      });
    });

    test('/-/openapi.json has all that schemathesis finds', async () => {
      await using _ = writeOn(busy);
      const { http, admin } = gateway();
      await schemathesis(http, '--exclude-path-regex', ADMIN_PATHS);
      // There another method is told that it finds nothing, which is right as well.
      const but = ['--exclude-checks', 'unsupported_method'];
      await schemathesis(admin, '--include-path-regex', ADMIN_PATHS, ...but);
    });

    /** Sends what the description allows, and what it does not allow, to all of these paths. */
    async function schemathesis(url: string, ...paths: readonly string[]): Promise<void> {
      const description = `${gateway().http}/-/openapi.json`;
      const { code, stdout, stderr } = await run(
        [
          ...([PYTHON, '-m', 'schemathesis.cli', '--config-file', CONFIG] as const),
          // It waits more than it computes: for streams that nothing comes on.
          ...['run', description, '--url', url, '--workers', '4', ...EXAMPLES, ...paths],
        ],
        // It leaves a folder behind.
        {
          cwd: await newFolder(),
          env: {
            SCHEMATHESIS_HOOKS: FORMATS,
            PYTHONDONTWRITEBYTECODE: '1',
            HYPOTHESIS_STORAGE_DIRECTORY: CHARACTERS,
          },
        },
        240_000,
      );
      if (code !== 0) throw new Error(`schemathesis ended with ${code}: ${stdout}${stderr}`);
    }

    test('/-/asyncapi.json has every event of a stream, in both formats', async () => {
      const response = await fetch(`${gateway().http}/-/asyncapi.json`);
      const description = (await response.json()) as AsyncApi;
      const ajv = new Ajv({ strict: false, validateFormats: false });
      ajv.addSchema(description, 'asyncapi');

      for (const [format, names] of [
        ['text', ['message', 'delete', 'gap']],
        ['json', ['message', 'delete', 'gap', 'live']],
      ] as const) {
        const path = `/${topic.name}?format=${format}&lastEventId=garbage`;
        await using stream = await gateway().stream(path);
        // The gap, and what was written before the gateway began.
        const events = await stream.untilEvents(6 + (format === 'json' ? 1 : 0));
        expect(new Set(events.map(({ event }) => event))).toEqual(new Set(names));
        for (const event of events) expect(faultOf(event, format)).toBeNull();
      }

      function faultOf({ event, data, id }: Block, format: string): object | null {
        const at = `asyncapi#/components/messages/${format}.${event}`;
        const { contentType } = description.components.messages[`${format}.${event}`]!;
        const payload = contentType === 'application/json' ? JSON.parse(data) : data;
        const isRight =
          ajv.validate({ $ref: `${at}/payload` }, payload) &&
          ajv.validate({ $ref: `${at}/headers` }, { id });
        return isRight ? null : { event, data, id, errors: ajv.errors };
      }
    });
  });
});

interface AsyncApi {
  readonly components: {
    readonly messages: Readonly<Record<string, { readonly contentType: string }>>;
  };
}

/** Writes to a topic until it is disposed of, so that streams begun with `since` get events, too. */
function writeOn(topic: Topic): AsyncDisposable {
  let isOver = false;
  const writing = (async () => {
    for (let n = 0; !isOver; n++) {
      await topic.produce({ key: `${n % 7}`, value: n % 5 === 0 ? null : `{"n":${n}}` });
      await delay(50);
    }
  })();
  return {
    async [Symbol.asyncDispose]() {
      isOver = true;
      await writing;
    },
  };
}
