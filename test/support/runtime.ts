import { join } from 'node:path';
import process from 'node:process';
import { describe } from '@jest/globals';
import { CLONE } from '../../runtime/kafka/embedded/clone.ts';
import type { Command } from './program.ts';

/** A runtime that the gateway runs on, by the commands that start it there. */
export interface Runtime {
  readonly name: string;
  readonly gateway: Command;
  readonly sseCat: Command;
}

/** Another folder than `dist/` while somebody else builds there. */
const DIST = process.env['GATEWAY_DIST'] ?? join(CLONE, 'dist');

/** As `npm start` does it. */
const NODE_SETTINGS = ['MALLOC_ARENA_MAX=2'];

const NODE: Runtime = {
  name: 'Node',
  gateway: ['env', ...NODE_SETTINGS, process.execPath, join(DIST, 'runtime', 'start.cjs')],
  sseCat: [process.execPath, join(DIST, 'runtime', 'sse_cat', 'main.js')],
};

const RUNTIMES = [NODE];

/** Registers the same cases for every runtime; the reporter compares how many each one ran. */
export function onEachRuntime(cases: (runtime: Runtime) => void): void {
  for (const runtime of RUNTIMES) describe(`on ${runtime.name}`, () => cases(runtime));
}
