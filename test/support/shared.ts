import { afterAll, beforeAll } from '@jest/globals';

/** Makes something before the cases of a `describe` and disposes of it after them. */
export function shared<T extends AsyncDisposable>(make: () => Promise<T>): () => T {
  let value: T | undefined;
  beforeAll(async () => {
    value = await make();
  });
  afterAll(async () => {
    await value?.[Symbol.asyncDispose]();
  });
  return () => value!;
}
