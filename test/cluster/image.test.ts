import process from 'node:process';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { eventually } from '../support/deadline.ts';
import { LOCAL_IMAGE as IMAGE, outcome, succeed } from './cluster.ts';

/** What our layers may add to the base image. */
const MAX_OWN_BYTES = 40e6;
const BASE = 'node:22-bookworm-slim';

function docker(...args: readonly string[]): Promise<string> {
  return succeed(['docker', ...args]);
}

async function inspect(image: string): Promise<{ Size: number; Config: Record<string, unknown> }> {
  return JSON.parse(await docker('image', 'inspect', image))[0];
}

/** Runs a shell in the image. */
function shell(script: string): Promise<string> {
  return docker('run', '--rm', '--read-only', IMAGE, 'bash', '-c', script);
}

describe('the image', () => {
  beforeAll(() => docker('build', '--target', 'node', '--tag', IMAGE, '.'));

  test('adds at most 40 MB to its base', async () => {
    const own = (await inspect(IMAGE)).Size - (await inspect(BASE)).Size;
    process.stderr.write(`layers of our own: ${Math.round(own / 1e5) / 10} MB\n`);
    expect(own).toBeGreaterThan(0);
    expect(own).toBeLessThan(MAX_OWN_BYTES);
  });

  test('is no root, has labels, and no compiler or test tool', async () => {
    const { User, Labels } = (await inspect(IMAGE)).Config;
    expect(User).toBe('1000:1000');
    for (const name of ['title', 'licenses', 'version', 'revision']) {
      expect(Labels).toHaveProperty([`org.opencontainers.image.${name}`]);
    }
    expect(
      await shell('for tool in cc g++ make python3 git; do command -v $tool; done; true'),
    ).toBe('');
    const packages = await shell('ls node_modules');
    expect(packages).toContain('hono');
    for (const name of ['jest', 'typescript', 'nan']) {
      expect(packages.split('\n')).not.toContain(name);
    }
  });

  test('has the Kafka client with all features', async () => {
    const script = "node -p 'require(`@confluentinc/kafka-javascript`).features.join(` `)'";
    const features = (await shell(script)).trim().split(' ');
    for (const feature of ['ssl', 'gzip', 'zstd', 'snappy', 'lz4']) {
      expect(features).toContain(feature);
    }
  });

  test('takes unset brokers for a fault of the settings', async () => {
    const { code, stderr } = await outcome(['docker', 'run', '--rm', '--read-only', IMAGE]);
    expect(code).toBe(78);
    expect(stderr).toMatch(/^KAFKA_BROKERS: expected /);
  });

  test('becomes healthy on a read-only root, and ends with 0 by SIGTERM', async () => {
    const settings = ['KAFKA_BROKERS=localhost:1', 'DRAIN_SECONDS=0'];
    const env = settings.flatMap((setting) => ['--env', setting]);
    const id = (await docker('run', '--detach', '--read-only', ...env, IMAGE)).trim();
    try {
      const state = async (): Promise<string> =>
        (await docker('inspect', '--format', '{{.State.Health.Status}}', id)).trim();
      await eventually(
        'the container to be healthy',
        async () => (await state()) === 'healthy',
        60_000,
      );
      await docker('stop', '--time', '20', id);
      expect((await docker('inspect', '--format', '{{.State.ExitCode}}', id)).trim()).toBe('0');
    } finally {
      await docker('rm', '--force', '--volumes', id);
    }
  });
});
