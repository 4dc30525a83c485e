import process from 'node:process';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { eventually } from '../support/deadline.ts';
import { endedWith } from '../support/program.ts';
import { LOCAL_IMAGE as IMAGE, outcome, succeed } from './cluster.ts';

/** What our layers may add to the base image. */
const MAX_OWN_BYTES = 40e6;

const NODE = {
  target: 'node',
  base: 'node:22-bookworm-slim',
  tag: IMAGE,
};
const DENO = {
  target: 'deno',
  base: 'denoland/deno:debian-2.9.6',
  tag: `${IMAGE}-deno`,
};

function docker(...args: readonly string[]): Promise<string> {
  return succeed(['docker', ...args]);
}

async function inspect(image: string): Promise<{ Size: number; Config: Record<string, unknown> }> {
  return JSON.parse(await docker('image', 'inspect', image))[0];
}

/** Runs a shell in an image. */
function shell(image: string, script: string): Promise<string> {
  return docker('run', '--rm', '--read-only', image, 'bash', '-c', script);
}

describe.each([NODE, DENO])('the image of $target', ({ target, base, tag }) => {
  beforeAll(() => docker('build', '--target', target, '--tag', tag, '.'));

  test('adds at most 40 MB to its base', async () => {
    const own = (await inspect(tag)).Size - (await inspect(base)).Size;
    process.stderr.write(`layers of our own on ${base}: ${Math.round(own / 1e5) / 10} MB\n`);
    expect(own).toBeGreaterThan(0);
    expect(own).toBeLessThan(MAX_OWN_BYTES);
  });

  test('is no root, has labels, and no compiler or test tool', async () => {
    const { User, Labels } = (await inspect(tag)).Config;
    expect(User).toBe('1000:1000');
    for (const name of ['title', 'licenses', 'version', 'revision']) {
      expect(Labels).toHaveProperty([`org.opencontainers.image.${name}`]);
    }
    const compilers = 'for tool in cc g++ make python3 git; do command -v $tool; done; true';
    expect(await shell(tag, compilers)).toBe('');
    const packages = (await shell(tag, 'ls node_modules')).split('\n');
    expect(packages).toContain('hono');
    for (const name of ['jest', 'typescript', 'nan']) expect(packages).not.toContain(name);
  });

  test('takes unset brokers for a fault of the settings', async () => {
    const ended = await outcome(['docker', 'run', '--rm', '--read-only', tag]);
    expect(endedWith(78, 'the gateway', ended).stderr).toMatch(/"KAFKA_BROKERS: expected /);
  });

  test('becomes healthy on a read-only root, and ends with 0 by SIGTERM', async () => {
    const settings = ['KAFKA_BROKERS=localhost:1', 'DRAIN_SECONDS=0'];
    const env = settings.flatMap((setting) => ['--env', setting]);
    const id = (await docker('run', '--detach', '--read-only', ...env, tag)).trim();
    try {
      const inspected = async (what: string): Promise<string> =>
        (await docker('inspect', '--format', `{{.State.${what}}}`, id)).trim();
      await eventually(
        'the container to be healthy',
        async () => (await inspected('Health.Status')) === 'healthy',
        60_000,
      );
      await docker('stop', '--time', '20', id);
      expect(await inspected('ExitCode')).toBe('0');
    } finally {
      await docker('rm', '--force', '--volumes', id);
    }
  });
});

test('the image of node has the Kafka client with all features', async () => {
  const script = "node -p 'require(`@confluentinc/kafka-javascript`).features.join(` `)'";
  const features = (await shell(NODE.tag, script)).trim().split(' ');
  expect(features).toEqual(expect.arrayContaining(['ssl', 'gzip', 'zstd', 'snappy', 'lz4']));
});
