import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Audit } from '../rights/audit.ts';
import { World } from '../rights/world.ts';
import { within } from '../support/deadline.ts';
import { Issuer } from '../support/issuer.ts';
import { onEachRuntime } from '../support/runtime.ts';
import { Gateway, kafka } from './face.ts';

const SEEDS = [1, 2];

let issuer: Issuer;
beforeAll(async () => {
  issuer = await Issuer.start();
});
afterAll(() => issuer[Symbol.asyncDispose]());

onEachRuntime((runtime) => {
  describe('many users', () => {
    test.each(SEEDS)('see nothing that they have no right to, by seed %d', async (seed) => {
      const world = new World(seed, Math.floor(Math.random() * 2 ** 32));
      for (const [{ name, isCompacted }, records] of world.write()) {
        const topic = await kafka.createTopic({ name, compacted: isCompacted });
        await topic.produce(...records);
      }
      const folder = mkdtempSync(join(process.env['TEST_FOLDER'] ?? tmpdir(), 'streams-'));
      const STREAMS_FILE = join(folder, 'streams.yaml');
      writeFileSync(STREAMS_FILE, world.streamsFile);
      const env = { ...issuer.env, STREAMS_FILE, REQUIRE: world.require.cel };
      await using gateway = await Gateway.startReady(runtime, { env });
      const ask = (path: string, init: RequestInit) => fetch(gateway.http + path, init);
      const audit = new Audit(world, ask, ({ claims }) => issuer.token(claims));
      await within(`the answers of seed ${seed}`, audit.run());
      expect(audit.faults).toEqual([]);
    });
  });
});
