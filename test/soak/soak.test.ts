import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { afterAll, expect, test } from '@jest/globals';
import { CLONE } from '../../runtime/embedded_kafka/clone.ts';
import { eventually } from '../support/deadline.ts';
import { type Command, Program, run } from '../support/program.ts';
import { onEachRuntime } from '../support/runtime.ts';
import { IS_ALL } from '../support/tier.ts';
import type { Outcome } from './report.ts';
import { FAULT_KINDS } from './schedule.ts';

const START = join(CLONE, 'test', 'soak', 'start.mjs');
/** Some of it is waited for: clients that were refused come back after up to 20 s. */
const MAX_MS = 600_000;
const BROKEN = join(CLONE, '.cache', `broken-gateway-${process.pid}`);

function soak(...args: readonly string[]): Command {
  return [process.execPath, START, ...args];
}

function outcomeOf(stdout: Uint8Array): Outcome {
  return JSON.parse(/^soak (.*)$/m.exec(`${stdout}`)![1]!);
}

afterAll(() => rmSync(BROKEN, { recursive: true, force: true }));

/** Each kind of fault takes its time; one kind stands for them below. */
const everyFault = IS_ALL ? onEachRuntime : () => {};
/** What is not the core's: how the program itself ends. */
const testOfAll = IS_ALL ? test : () => {};

everyFault((runtime) => {
  test(
    'soak delivers what was produced, with every kind of fault once',
    async () => {
      const workers = runtime.name === 'Node' ? '2' : '1';
      const args = ['--minutes', '3', '--clients', '40', '--seed', '1', '--workers', workers];
      const name = runtime.name.toLowerCase();
      const command = soak(...args, '--runtime', name, '--registry');
      const { code, stdout, stderr } = await run(command, {}, MAX_MS);
      expect({ code, told: code === 0 ? '' : `${stdout}${stderr}` }).toEqual({ code: 0, told: '' });
      for (const kind of FAULT_KINDS) expect(`${stdout}`).toContain(` s  ${kind}: `);
      const outcome = outcomeOf(stdout);
      const { produced, total, filtered, strangers, streamsEnded, connectionsLeft } = outcome;
      expect(Object.keys(produced)).toHaveLength(5);
      for (const count of Object.values(produced)) expect(count).toBeGreaterThan(0);
      expect(total).toMatchObject({
        lost: 0,
        dead: 0,
        doubled: 0,
        outOfOrder: 0,
        unexplainedGaps: 0,
      });
      expect(total.delivered).toBeGreaterThan(10_000);
      expect(total.expired).toBeGreaterThan(40);
      expect(filtered.clients).toBeGreaterThan(10);
      expect(filtered.delivered).toBeGreaterThan(0);
      expect(strangers.leaked).toBe(0);
      expect(strangers.refused).toBeGreaterThan(20);
      expect({ streamsEnded, connectionsLeft }).toEqual({ streamsEnded: 0, connectionsLeft: 0 });
    },
    MAX_MS,
  );
});

test(
  'soak fails where a gateway sends a record twice after a reconnect, and names client and ids',
  async () => {
    const env = { GATEWAY_DIST: brokenGateway() };
    const args = ['--minutes', '0.2', '--clients', '40', '--seed', '5'];
    const command = soak(...args, '--faults', 'connections reset');
    const { code, stdout, stderr } = await run(command, { env }, MAX_MS);
    expect({ code, stderr }).toEqual({ code: 1, stderr });
    expect(outcomeOf(stdout).total.doubled).toBeGreaterThan(0);
    expect(`${stdout}`).toContain('Not exact, with --seed 5:');
    expect(`${stdout}`).toMatch(
      /^ {2}client \d+ \(.*\), last ids( [\w-]+=*(\/~\w+)?){3}\n {4}doubled: /m,
    );
  },
  MAX_MS,
);

testOfAll(
  'soak leaves nothing behind after SIGINT',
  async () => {
    await using program = new Program(soak('--minutes', '5', '--clients', '20', '--seed', '1'));
    const name = `sse-kafka-soak-${program.pid}-`;
    await program.printed('20 clients, ', MAX_MS);
    expect(processesOf(name).length).toBeGreaterThan(3);
    program.kill('SIGINT');
    expect(await program.ended()).toBe(130);
    await eventually('its processes to end', async () => processesOf(name).length === 0);
    expect(readdirSync(tmpdir()).filter((folder) => folder.startsWith(name))).toEqual([]);
    expect(existsSync(join(CLONE, '.cache', `soak-${program.pid}`))).toBe(false);
  },
  MAX_MS,
);

/** Processes that have a folder of this name in their environment. */
function processesOf(name: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(name);
    } catch {
      return false;
    }
  });
}

/** The gateway as it was built, but that it takes the last record of a client for one it lacks. */
function brokenGateway(): string {
  const dist = process.env['GATEWAY_DIST'] ?? join(CLONE, 'dist');
  const broken = join(BROKEN, 'dist');
  cpSync(dist, broken, { recursive: true });
  cpSync(join(CLONE, 'public'), join(BROKEN, 'public'), { recursive: true });
  // The module itself, and where it is in the bundle that a process is started from.
  const files = readdirSync(broken, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.js'))
    .map((name) => ({ file: join(broken, name), text: readFileSync(join(broken, name), 'utf8') }))
    .filter(({ text }) => text.includes('offset < mine'));
  expect(files).not.toEqual([]);
  for (const { file, text } of files) {
    expect(text.split('offset < mine')).toHaveLength(2);
    writeFileSync(file, text.replace('offset < mine', 'offset + 1 < mine'));
  }
  return broken;
}
