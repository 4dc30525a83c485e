import { describe } from '@jest/globals';
import { NODE, RUNTIMES, type Runtime } from './runtimes.ts';

export type { Runtime };

/** Registers the same cases for every runtime; the reporter compares how many each one ran. */
export function onEachRuntime(cases: (runtime: Runtime) => void): void {
  for (const runtime of RUNTIMES) describe(`on ${runtime.name}`, () => cases(runtime));
}

/** Registers cases that no runtime makes a difference to, such as what the page looks like. */
export function onAnyRuntime(cases: (runtime: Runtime) => void): void {
  cases(NODE);
}
