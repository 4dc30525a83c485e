import { beforeEach, describe, expect, test } from '@jest/globals';
import type { KafkaRecord } from '../ports/source.ts';
import { Registry } from './registry.ts';
import { SchemaWait } from './schema_wait.ts';
import { Schemas } from './schemas.ts';

const SIGN_IN = { registryUrl: null, registryUsername: null, registryPassword: null };
const NEVER = new AbortController().signal;

let now: number;
let asked: string[];
/** What comes of each question: a status, or no answer. */
let status: number | null;
let schemas: Schemas;

beforeEach(() => {
  now = 1000;
  asked = [];
  status = 200;
  const web = {
    async get(url: string) {
      asked.push(new URL(url).pathname);
      if (status === null) throw new Error('connect ECONNREFUSED');
      const body = new TextEncoder().encode('{"schema":"\\"int\\""}');
      return { status, headers: new Headers({ location: '/login' }), body };
    },
  };
  schemas = new Schemas(new Registry(web, 'http://registry/base/', SIGN_IN), () => now);
});

const withId = (id: number): KafkaRecord => {
  const value = Uint8Array.of(0, 0, 0, 0, id, 2);
  return { partition: 0, offset: 0, timestamp: 0, key: null, value, headers: [] };
};

describe('Registry', () => {
  const SIGNS_IN = { ...SIGN_IN, registryUsername: 'me', registryPassword: 'p' };
  const token = (): Promise<string> => Promise.resolve('token');

  test.each([
    ['name and password', SIGNS_IN, token, 'Basic bWU6cA=='],
    ['a token', SIGN_IN, token, 'Bearer token'],
    ['nothing', SIGN_IN, null, undefined],
  ])('Registry.schema() signs in with %s', async (_what, settings, token, expected) => {
    const shown: unknown[] = [];
    const web = {
      async get(_url: string, question: { headers?: Readonly<Record<string, string>> }) {
        shown.push(question.headers?.['authorization']);
        return { status: 404, headers: new Headers(), body: new Uint8Array() };
      },
    };
    await new Registry(web, 'http://registry', settings, token).schema(1);
    expect(shown).toEqual([expected]);
  });

  test('Registry.schema() asks nobody while it has no token, and says why', async () => {
    const web = { get: (): Promise<never> => Promise.reject(new Error('asked')) };
    const token = (): Promise<never> =>
      Promise.reject(new Error('no token for the brokers: status 500'));
    await expect(new Registry(web, 'http://registry', SIGN_IN, token).schema(1)).rejects.toThrow(
      'no token for the brokers: status 500',
    );
  });
});

describe('Schemas', () => {
  test('Schemas.want() asks for each schema once, whoever wants it', async () => {
    const waits = [1, 2].map(() => new SchemaWait(schemas, 1000));
    await Promise.all(waits.map((wait) => wait.settle([withId(1), withId(2), withId(1)], NEVER)));
    await waits[0]!.settle([withId(1), withId(2)], NEVER);
    expect(asked).toEqual(['/base/schemas/ids/1', '/base/schemas/ids/2']);
    expect(schemas.status).toEqual({ up: true, error: null });
    expect(new TextDecoder().decode(schemas.get(2)!.json(Uint8Array.of(4), null))).toBe('2');
  });

  test('Schemas.want() asks again for an unknown one after 60 s', async () => {
    status = 404;
    const wait = new SchemaWait(schemas, 1000);
    await wait.settle([withId(1)], NEVER);
    now += 59_999;
    await wait.settle([withId(1)], NEVER);
    expect(asked).toHaveLength(1);
    expect(schemas.isUnknown(1)).toBe(true);
    expect(schemas.status.up).toBe(true);
    now += 1;
    status = 200;
    await wait.settle([withId(1)], NEVER);
    expect(asked).toHaveLength(2);
    expect(schemas.get(1)).not.toBeNull();
  });

  test.each([
    [null, 'connect ECONNREFUSED'],
    [503, 'status 503'],
    [401, 'status 401'],
    [302, 'status 302, to /login: it is not followed'],
  ])('Schemas.status tells of the answer %j: %s', async (given, error) => {
    status = given;
    await new SchemaWait(schemas, 0).settle([withId(1)], NEVER);
    expect(schemas.status).toEqual({ up: false, error });
    schemas.close();
  });

  test('Schemas.want() lets so many wait, whoever makes them up', () => {
    status = null;
    let count = 0;
    while (schemas.want(count)) count++;
    expect(count).toBeLessThan(2000);
    expect(schemas.want(0)).toBe(true);
    schemas.close();
  });
});

describe('SchemaWait', () => {
  test('SchemaWait.settle() waits once in an outage, and again in the next one', async () => {
    status = null;
    const wait = new SchemaWait(schemas, 500, () => now);
    const settled = wait.settle([withId(1)], NEVER);
    // The clock stands still; the time that is waited does not.
    setTimeout(() => {
      now += 500;
    }, 20);
    await settled;
    expect(schemas.get(1)).toBeNull();
    const before = now;
    await wait.settle([withId(2)], NEVER);
    expect(now).toBe(before);

    status = 200;
    await new SchemaWait(schemas, 60_000).settle([withId(2)], NEVER);
    expect(schemas.status.up).toBe(true);
    expect(schemas.outages).toBe(1);
    schemas.close();
  });

  test('SchemaWait.settle() ends when the signal aborts, and leaves nothing waiting', async () => {
    status = null;
    const end = new AbortController();
    const settled = new SchemaWait(schemas, 600_000).settle([withId(1)], end.signal);
    setTimeout(() => end.abort(), 10);
    await settled;
    expect(schemas.get(1)).toBeNull();
    schemas.close();
  });

  test('SchemaWait.settle() asks for nothing where no record names a schema', async () => {
    const record = { ...withId(1), value: Uint8Array.of(0x7b, 0x7d) };
    const wait = new SchemaWait(schemas, 1000);
    await wait.settle([record, { ...record, value: null }], NEVER);
    expect(asked).toEqual([]);
  });
});
