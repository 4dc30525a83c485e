import type { Files } from '../ports/files.ts';
import type { Web } from '../ports/web.ts';

/** What a sign-in asks others by. */
export interface SignInPorts {
  readonly web: Web;
  readonly files: Files;
}
