import specs from '@asyncapi/specs';
import { describe, expect, test } from '@jest/globals';
import { Ajv } from 'ajv';
import { asyncapi } from './asyncapi.ts';
import { asyncapiWithSignIn } from './sign_in.ts';

const TOPICS = ['events', 'a.b_c-D'];
const plain = asyncapi({ topics: TOPICS, httpPort: 8080, httpsPort: 0 });
const description = plain as {
  readonly servers: object;
  readonly channels: Record<string, { readonly address: string; readonly messages: object }>;
  readonly operations: Record<string, { readonly messages: readonly { $ref: string }[] }>;
};

describe('asyncapi()', () => {
  test('asyncapi() is AsyncAPI 3 by its own JSON schema', () => {
    const ajv = new Ajv({ strict: false, validateFormats: false });
    for (const each of [plain, asyncapiWithSignIn(plain)]) {
      const isValid = ajv.validate(specs.schemasWithoutId['3.0.0'] as object, each);
      expect(isValid ? [] : ajv.errors).toEqual([]);
    }
  });

  test('asyncapi() refers to nothing that is not there', () => {
    const targets = [...JSON.stringify(description).matchAll(/"\$ref":"#\/([^"]+)"/g)];
    expect(targets.length).toBeGreaterThan(20);
    for (const [, path] of targets) {
      const found = path!
        .split('/')
        .reduce<unknown>((part, name) => (part as Record<string, unknown>)?.[name], description);
      expect([path, typeof found]).toEqual([path, 'object']);
    }
  });

  test('asyncapi() has a channel a topic and an operation a format', () => {
    const channels = Object.entries(description.channels);
    expect(channels.map(([name, { address }]) => [name, address])).toEqual(
      TOPICS.map((topic) => [topic, `/${topic}`]),
    );
    expect(Object.keys(description.operations)).toEqual([
      ...['events.text', 'events.json', 'a.b_c-D.text', 'a.b_c-D.json'],
    ]);
    const { messages } = description.operations['a.b_c-D.json']!;
    expect(messages.map(({ $ref }) => $ref.split('/').at(-1))).toEqual([
      ...['json.message', 'json.delete', 'json.leave', 'json.gap', 'json.live'],
      ...['json.stale', 'json.fresh', 'json.place'],
    ]);
  });

  test('asyncapi() tells what a filter takes', () => {
    const { bindings } = description.operations['events.json'] as unknown as {
      bindings: { http: { query: object } };
    };
    const holds = new Ajv({ strict: false, validateFormats: false }).compile(bindings.http.query);
    const asked = { key: ['a', 'b'], where: ['value.a == 1'], 'header.type': ['x', ''] };
    expect(holds({ format: 'json', ...asked })).toBe(true);
    expect(holds({ format: 'json', 'header.type': [1] })).toBe(false);
    expect(holds({ format: 'json', where: 'x'.repeat(3000) })).toBe(false);
  });

  test('asyncapi() says of a stream of several topics that it is JSON alone', () => {
    const streams = ['/all', '/my/orders'];
    const options = { streams, severalPaths: ['/all'], httpPort: 0, httpsPort: 0 };
    const { operations } = asyncapi({ topics: [], ...options }) as typeof description;
    expect(Object.keys(operations)).toEqual([
      'stream::all.json',
      'stream::my:orders.text',
      'stream::my:orders.json',
    ]);
  });

  test('asyncapi() leaves out a listener that is off', () => {
    expect(Object.keys(description.servers)).toEqual(['http']);
  });
});
