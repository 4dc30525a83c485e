import { expect, test } from '@jest/globals';
import { KeptDocument } from './kept_document.ts';

test('KeptDocument.of() makes a document anew only where what it tells of has changed', () => {
  const kept = new KeptDocument();
  const [a, b] = [{ name: 'a' }, { name: 'b' }];
  let made = 0;
  const of = (...facts: readonly object[]): Uint8Array =>
    kept.of(facts, () => ({ made: ++made, facts }));
  const first = of(a, b);
  expect(new TextDecoder().decode(first)).toBe('{"made":1,"facts":[{"name":"a"},{"name":"b"}]}');
  expect(of(a, b)).toBe(first);
  for (const others of [[b, a], [b], [], [a, b], [a, { ...b }]]) of(...others);
  expect(made).toBe(6);
});
