import { describe } from '@jest/globals';
import { NODE, RUNTIMES, type Runtime } from './runtimes.ts';
import { IS_ALL } from './tier.ts';

export type { Runtime };

/** Registers the same cases for every runtime; the reporter compares how many each one ran. */
export function onEachRuntime(cases: (runtime: Runtime) => void): void {
  for (const runtime of RUNTIMES) describe(`on ${runtime.name}`, () => cases(runtime));
}

/** Registers cases that no runtime makes a difference to, such as what the page looks like. */
export function onAnyRuntime(cases: (runtime: Runtime) => void): void {
  cases(NODE);
}

/**
 * Registers cases of what asks a gateway as others do, and is the same program whatever answers, such
 * as a script in a browser: `npm run test:all` has them on every runtime.
 */
export const onRuntimesOfTier = IS_ALL ? onEachRuntime : onAnyRuntime;
