import { describe, expect } from '@jest/globals';
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
 * Registers cases of what a request or a client sees of `app/`, which is the same code on each runtime:
 * `npm run test:all` has them on every one, `npm test` on one of them, half of the files on either. What
 * `runtime/` does itself (listeners, signals, settings, the Kafka clients) is no such thing.
 */
export function onRuntimesOfTier(cases: (runtime: Runtime) => void): void {
  if (IS_ALL) {
    onEachRuntime(cases);
    return;
  }
  const runtime = runtimeOfFile();
  describe(`with ${runtime.name} alone`, () => cases(runtime));
}

/** By the name of the file, so that none changes it for another. */
function runtimeOfFile(): Runtime {
  const name = expect.getState().testPath?.split('/').at(-1) ?? '';
  const sum = [...name].reduce((before, letter) => before + letter.codePointAt(0)!, 0);
  return RUNTIMES[sum % RUNTIMES.length]!;
}
