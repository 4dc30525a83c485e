import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { CLONE } from '../../runtime/embedded_kafka/clone.ts';
import { run } from '../support/program.ts';

function read(file: string): string {
  return readFileSync(join(CLONE, file), 'utf8');
}

interface Job {
  readonly steps?: readonly { readonly run?: string; readonly uses?: string }[];
  readonly uses?: string;
  readonly 'timeout-minutes'?: number;
}

const FOLDER = '.github/workflows';
const WORKFLOWS = readdirSync(join(CLONE, FOLDER)).map((name) => {
  const { jobs, permissions } = parse(read(join(FOLDER, name)));
  return { name, jobs: Object.entries(jobs as Record<string, Job>), permissions };
});
const { scripts, dependencies, devDependencies } = JSON.parse(read('package.json'));

describe.each(WORKFLOWS)('$name', ({ jobs, permissions }) => {
  test('runs only what is there', () => {
    const commands = jobs.flatMap(([, { steps = [] }]) => steps.flatMap((step) => step.run ?? []));
    for (const command of commands) {
      for (const [, script] of command.matchAll(/npm run ([\w:]+)/g)) {
        expect(Object.keys(scripts)).toContain(script);
      }
      for (const [, file] of command.matchAll(/\bnode ([\w/]+\.mjs)/g)) {
        expect([file, existsSync(join(CLONE, file!))]).toEqual([file, true]);
      }
      for (const [, folder] of command.matchAll(/helm package (\S+)/g)) {
        expect(existsSync(join(CLONE, folder!, 'Chart.yaml'))).toBe(true);
      }
    }
    expect(commands.length).toBeGreaterThan(4);
  });

  test('may only read, unless a job says more, and every job comes to an end', () => {
    expect(permissions).toEqual({ contents: 'read' });
    for (const [name, job] of jobs) {
      expect([name, job.uses !== undefined || job['timeout-minutes'] !== undefined]).toEqual([
        name,
        true,
      ]);
    }
  });
});

test('the workflows are right to actionlint, where there is one', async () => {
  const { stdout } = await run(['sh', '-c', 'command -v actionlint || true']);
  if (`${stdout}` === '') return;
  const files = WORKFLOWS.map(({ name }) => join(CLONE, FOLDER, name));
  const linted = await run(['actionlint', ...files]);
  expect(`${linted.stdout}${linted.stderr}`).toBe('');
  expect(linted.code).toBe(0);
});

test('the update bot names libraries that are used, and suites that are there', () => {
  const text = read('.github/dependabot.yml');
  const { updates } = parse(text);
  const [npm] = updates;
  const known = Object.keys({ ...dependencies, ...devDependencies });
  const own = Object.values<{ patterns: string[] }>(npm.groups).flatMap(({ patterns }) => patterns);
  const alone = own.filter((name) => name !== '*');
  expect(known).toEqual(expect.arrayContaining(alone));
  expect(npm.groups.others['exclude-patterns']).toEqual(alone);
  for (const { directory } of updates) {
    expect([directory, existsSync(join(CLONE, directory))]).toEqual([directory, true]);
  }
  for (const [path] of text.matchAll(/(?:app|runtime|test)\/[\w/]+(?=[*./,])/g)) {
    const folder = path.replace(/\/[^/]*$/, '');
    expect([path, existsSync(join(CLONE, folder))]).toEqual([path, true]);
  }
});

test('the version of Node for whoever works on it is one that is tested', () => {
  const ci = WORKFLOWS.find(({ name }) => name === 'ci.yml')!;
  const { strategy } = Object.fromEntries(ci.jobs)['test'] as Job & {
    strategy: { matrix: { node: number[] } };
  };
  const wanted = Number(read('.nvmrc'));
  expect(strategy.matrix.node).toContain(wanted);
  const container = JSON.parse(read('.devcontainer/devcontainer.json'));
  expect(container.image).toContain(`:${wanted}-`);
  expect(scripts).toHaveProperty('start');
  expect(existsSync(join(CLONE, container.postCreateCommand.split(' ')[1]))).toBe(true);
});
