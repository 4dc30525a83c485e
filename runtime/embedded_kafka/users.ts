import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isRunning, type ProcessIdentity, parseIdentity } from './process_identity.ts';

/**
 * The processes that use a broker, a file each. One that was killed is no user any more, whatever
 * it left.
 */
export class Users {
  readonly #folder: string;

  constructor(dataDir: string) {
    this.#folder = join(dataDir, 'users');
  }

  /** Using it twice takes two names. */
  add(identity: ProcessIdentity, name: string): void {
    mkdirSync(this.#folder, { recursive: true });
    writeFileSync(this.#file(identity, name), '');
  }

  remove(identity: ProcessIdentity, name: string): void {
    rmSync(this.#file(identity, name), { force: true });
  }

  /** Those left by killed processes are removed. */
  any(): boolean {
    mkdirSync(this.#folder, { recursive: true });
    return readdirSync(this.#folder).some((file) => {
      const identity = parseIdentity(file.split('.')[0] ?? '');
      if (identity !== null && isRunning(identity)) return true;
      rmSync(join(this.#folder, file), { force: true });
      return false;
    });
  }

  // The file's name says all: nothing in it could be half written.
  #file(identity: ProcessIdentity, name: string): string {
    return join(this.#folder, `${identity}.${name}`);
  }
}
