import { getLogger } from '@logtape/logtape';
import { leafOf, parseCertificates, readPem } from '../../process/pem.ts';

const logger = getLogger(['sse-kafka', 'brokers']);

/** Files are read again after this time at the soonest, in milliseconds: many connect at once. */
const KEEP_MS = 1000;

/** Whom the gateway trusts among brokers, and what it shows them; PEM texts. */
export interface BrokerTls {
  /** `null`: the public authorities. */
  readonly ca: string | null;
  readonly cert: string | null;
  readonly key: string | null;
}

type Files = BrokerTls;

/**
 * Gives what these files hold now. Where they hold no authority, or no pair, it is what they held
 * before, and that is logged once.
 * @throws the system's error where they cannot be read at first.
 */
export function readBrokerTls(
  files: Files,
  now: () => number = () => performance.now(),
): () => BrokerTls {
  let kept = read(files);
  let keptAt = now();
  let faulty: string | null = null;
  return () => {
    if (now() - keptAt < KEEP_MS) return kept;
    keptAt = now();
    try {
      const found = read(files);
      check(found);
      if (found.ca !== kept.ca || found.cert !== kept.cert || found.key !== kept.key) {
        logger.info('The certificates for the brokers were read again');
      }
      kept = found;
      faulty = null;
    } catch (error) {
      const why = (error as Error).message;
      if (why !== faulty) logger.error('The old certificates for the brokers stay: {why}', { why });
      faulty = why;
    }
    return kept;
  };
}

function read({ ca, cert, key }: Files): BrokerTls {
  const textOf = (file: string | null): string | null => (file === null ? null : readPem(file));
  return { ca: textOf(ca), cert: textOf(cert), key: textOf(key) };
}

function check({ ca, cert, key }: BrokerTls): void {
  if (ca !== null && parseCertificates(ca) === null) {
    throw new Error('KAFKA_CA_FILE holds no certificates');
  }
  if (cert !== null && key !== null && leafOf({ cert, key }) === null) {
    throw new Error('KAFKA_KEY_FILE does not hold the key of the first one in KAFKA_CERT_FILE');
  }
}
