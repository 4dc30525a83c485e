import { randomUUID } from 'node:crypto';
import { generate } from 'selfsigned';

const DAY_MS = 24 * 3600 * 1000;

/** A certificate with its key, PEM both. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

export interface Subject {
  /** A host's name, or whoever shows it. */
  readonly name: string;
  /** Whether its time is over. */
  readonly expired?: boolean;
}

/** Who signs certificates; clients that have its own trust them. */
export class Authority {
  readonly cert: string;
  readonly #key: string;

  static async create(): Promise<Authority> {
    // One name for two of them would have clients take one for the other.
    const made = await make(`authority ${randomUUID()}`, 1, [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, critical: true },
    ]);
    return new Authority(made);
  }

  private constructor({ cert, key }: KeyPair) {
    this.cert = cert;
    this.#key = key;
  }

  /** A certificate for a server, or for a client; one for `localhost` is for its address too. */
  issue({ name, expired = false }: Subject): Promise<KeyPair> {
    return make(
      name,
      expired ? -1 : 1,
      [
        { name: 'basicConstraints', cA: false, critical: true },
        { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
        {
          name: 'subjectAltName',
          altNames: [
            { type: 2, value: name },
            ...(name === 'localhost' ? [{ type: 7 as const, ip: '127.0.0.1' }] : []),
          ],
        },
      ],
      { cert: this.cert, key: this.#key },
    );
  }
}

type Extensions = NonNullable<NonNullable<Parameters<typeof generate>[1]>['extensions']>;

async function make(
  name: string,
  daysLeft: number,
  extensions: Extensions,
  ca?: KeyPair,
): Promise<KeyPair> {
  const now = Date.now();
  const made = await generate([{ name: 'commonName', value: name }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notBeforeDate: new Date(now - 2 * DAY_MS),
    notAfterDate: new Date(now + daysLeft * DAY_MS),
    extensions,
    ...(ca === undefined ? {} : { ca }),
  });
  return { cert: made.cert, key: made.private };
}
