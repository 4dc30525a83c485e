import { renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { describe, expect, test } from '@jest/globals';
import { curl } from '../support/curl.ts';
import { eventually, within } from '../support/deadline.ts';
import { Gateway, newFolder } from '../support/gateway.ts';
import { kafka } from '../support/kafka.ts';
import { endedWith, type Outcome, run } from '../support/program.ts';
import { onAnyRuntime, onEachRuntime, type Runtime } from '../support/runtime.ts';
import { Scrape } from '../support/scrape.ts';
import { SseStream } from '../support/sse_stream.ts';

function testReloads(runtime: Runtime, workers: number): void {
  describe('STREAMS_FILE', () => {
    test(`is read again while ${workers} of its processes serve`, async () => {
      const [a, b] = [await kafka.createTopic(), await kafka.createTopic()];
      await a.produce({ value: 'first' });
      const folder = await newFolder();
      const file = join(folder, 'streams.yaml');
      let number = 0;
      /** As Kubernetes does: a link is swapped. */
      const write = (text: string): void => {
        const real = join(folder, `${++number}.yaml`);
        writeFileSync(real, text);
        symlinkSync(real, `${real}.link`);
        renameSync(`${real}.link`, file);
      };
      const kept = `  /kept: { topic: ${a.name} }\n`;
      write(`streams:\n${kept}  /going: { topic: ${a.name} }\n`);
      const env = { STREAMS_FILE: file, WORKERS: `${workers}`, TOPICS: '' };
      await using gateway = await Gateway.startReady(runtime, { env });
      await using stays = await SseStream.open(`${gateway.http}/kept`);
      await using goes = await SseStream.open(`${gateway.http}/going`);
      await stays.untilEvents(1);
      await goes.untilEvents(1);
      const statusOf = async (path: string) => (await curl('-I', gateway.http + path)).status;

      write(`streams:\n${kept}  /coming: { topic: ${b.name} }\n`);
      await within('the end of a stream that is served no more', goes.over);
      expect(goes.isAtBlockEnd).toBe(true);
      await eventually('the new path', async () => (await statusOf('/coming')) === 200);
      await eventually('the end of the old one', async () => (await statusOf('/going')) === 404);
      expect((await gateway.readiness()).status).toBe(200);

      write('streams:\n  /wrong: { topc: x }\n');
      await gateway.says('streams.yaml:2:13: no such setting: topc');
      expect(await statusOf('/coming')).toBe(200);
      await a.produce({ value: 'second' });
      await stays.untilEvents(2);
      expect(stays.events.map(({ data }) => data)).toEqual(['first', 'second']);

      write(`streams:\n${kept}`);
      process.kill(gateway.pid, 'SIGHUP');
      await eventually('what SIGHUP has read', async () => (await statusOf('/coming')) === 404);
      expect(stays.isOver).toBe(false);
      const scrape = await Scrape.of(gateway);
      const count = (result: string): number =>
        scrape.value('sse_kafka_config_reloads_total', { result });
      expect(count('ok')).toBeGreaterThanOrEqual(2);
      expect(count('faulty')).toBeGreaterThanOrEqual(1);
      // What is as it was is read as well.
      process.kill(gateway.pid, 'SIGHUP');
      await eventually('another reading to be counted', async () => {
        const labels = { result: 'ok' };
        const now = (await Scrape.of(gateway)).value('sse_kafka_config_reloads_total', labels);
        return now > count('ok');
      });
    });
  });
}

onAnyRuntime((runtime) => testReloads(runtime, 2));

onEachRuntime((runtime) => {
  testReloads(runtime, 1);

  describe('STREAMS_FILE', () => {
    test('is checked by --check, which starts nothing', async () => {
      const folder = await newFolder();
      const file = join(folder, 'streams.yaml');
      const env = { STREAMS_FILE: file, KAFKA_BROKERS: 'nowhere.invalid:9092' };
      const check = async (code: number): Promise<Outcome> => {
        const outcome = await run([...runtime.gateway, '--check'], { cwd: folder, env });
        return endedWith(code, '--check', outcome);
      };
      writeFileSync(file, 'streams:\n  /a/{id}: { topic: t }\n');
      expect(`${(await check(0)).stdout}`).toBe('/a/{id}: topic t\nopen to all\n');
      writeFileSync(file, 'streams:\n  a: { topic: t }\n  /-/b: { topic: t, require: "true" }\n');
      const wrong = await check(78);
      for (const fault of [
        'streams.yaml:2:3: a path such as /customers/{id}/orders begins with /',
        'streams.yaml:3:3: no path below /-/',
        'streams.yaml:3:21: require needs a sign-in (JWT_ISSUER)',
      ]) {
        expect(wrong.stderr).toContain(fault);
      }
    });
  });
});
