import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { SETTINGS } from '../../app/config/config.ts';
import { CLONE } from '../../runtime/embedded_kafka/clone.ts';

function read(file: string): string {
  return readFileSync(join(CLONE, file), 'utf8');
}

/** Settings that the chart makes from values of its own, or that have no place in a pod. */
const NOT_IN_SETTINGS =
  /^(KAFKA_|AWS_|EMBEDDED_|TLS_|TOPICS$|STREAMS_FILE$|ADMIN_TOKEN_FILE$|REGISTRY_(USERNAME|PASSWORD)$|ADMIN_HOST$|(HTTP|HTTPS|ADMIN)_PORT$)/;

describe('helm/gateway', () => {
  const schema = JSON.parse(read('helm/gateway/values.schema.json'));

  test('takes every setting of the gateway', () => {
    const names = Object.values(SETTINGS).map(({ name }) => name);
    expect(Object.keys(schema.properties.settings.properties).sort()).toEqual(
      names.filter((name) => !NOT_IN_SETTINGS.test(name)).sort(),
    );
    const env = read('helm/gateway/templates/_env.tpl');
    const made = names.filter((name) =>
      /^(KAFKA_|AWS_|TLS_|TOPICS$|STREAMS_FILE$|ADMIN_TOKEN_FILE$|REGISTRY_(USERNAME|PASSWORD)$)/.test(
        name,
      ),
    );
    for (const name of made) expect(env).toContain(`name: ${name},`);
  });

  test('has every value explained, and known to its schema', () => {
    const lines = read('helm/gateway/values.yaml').split('\n');
    const values = lines.flatMap((line) => /^(\w+):/.exec(line)?.[1] ?? []);
    expect([...values, 'global'].sort()).toEqual(Object.keys(schema.properties).sort());
  });
});
