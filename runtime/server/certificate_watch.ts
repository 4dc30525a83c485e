import { readFileSync } from 'node:fs';

/** How often the files are looked at, in milliseconds. */
const LOOK_MS = 2000;

/**
 * Tells once files have other bytes than before, and have them still at the next look: one of a pair is
 * written before the other. Reads them, because Kubernetes swaps a link above them, of which no
 * watch of a file tells, and a time may be kept by whoever copies.
 */
export class CertificateWatch {
  readonly #files: readonly string[];
  readonly #onChange: () => void;
  readonly #timer: ReturnType<typeof setInterval>;
  /** As they were when it was told last, and at the last look. */
  #told: string;
  #seen: string;

  constructor(files: readonly string[], onChange: () => void) {
    this.#files = files;
    this.#onChange = onChange;
    this.#told = this.#read();
    this.#seen = this.#told;
    this.#timer = setInterval(() => this.#look(), LOOK_MS).unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** Somebody reads them now: they are told of once they change again. */
  noteRead(): void {
    this.#told = this.#read();
    this.#seen = this.#told;
  }

  #look(): void {
    const found = this.#read();
    const isSettled = found === this.#seen;
    this.#seen = found;
    if (!isSettled || found === this.#told) return;
    this.#told = found;
    this.#onChange();
  }

  #read(): string {
    try {
      return this.#files.map((file) => readFileSync(file, 'utf8')).join('\0');
    } catch (error) {
      return String((error as NodeJS.ErrnoException).code);
    }
  }
}
