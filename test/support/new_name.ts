import { randomUUID } from 'node:crypto';

/** A topic's name that nobody else has. */
export function newName(): string {
  return `test-${randomUUID()}`;
}
