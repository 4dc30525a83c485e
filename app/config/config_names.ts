/**
 * Names that no setting has. Most of an environment is none of ours; but a typo in a setting would
 * count for nothing, without a word, and one in the settings of a sign-in would open the gateway.
 *
 * @module
 */

import type { ConfigFault } from '../errors.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** A name that is taken for a setting by mistake. */
export interface StrayName {
  readonly name: string;
  /** The setting that is meant, if one is like it. */
  readonly likely: string | null;
}

/** What Kafka's own scripts take. */
const OF_KAFKA_SCRIPTS: ReadonlySet<string> = new Set([
  'KAFKA_DEBUG',
  'KAFKA_GC_LOG_OPTS',
  'KAFKA_HEAP_OPTS',
  'KAFKA_HOME',
  'KAFKA_JMX_OPTS',
  'KAFKA_JVM_PERFORMANCE_OPTS',
  'KAFKA_LOG4J_CMD_OPTS',
  'KAFKA_LOG4J_OPTS',
  'KAFKA_OPTS',
]);
/** What shells and common tools set, and that looks like a setting. */
const OF_TOOLS: ReadonlySet<string> = new Set([
  'HOME',
  'HOSTNAME',
  'HTTPS_PROXY',
  'HTTP_PROXY',
  'PORT',
  'SSL_CERT_FILE',
]);
/** https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables */
const OF_SERVICES = /_(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT_\d+_(?:TCP|UDP|SCTP)(?:_\w+)?)$/;
const SERVICE_URL = /^(?:tcp|udp|sctp):\/\//;

/** What others call it, and nothing in the letters tells. */
const KNOWN_ELSEWHERE: ReadonlyMap<string, string> = new Map([
  ['KAFKA_BOOTSTRAP_SERVERS', 'KAFKA_BROKERS'],
]);

const SIGN_IN = /^(?:JWT_|SIGN_IN)/;
const KAFKA = 'KAFKA_';
/** How much two names have to have in common, so that one is named for the other. */
const MIN_LIKENESS = 0.25;

/** Names of a sign-in that no setting has: a typo must not open the gateway. */
export function strangersToSignIn(env: Environment, settings: readonly string[]): ConfigFault[] {
  return strangers(env, settings)
    .filter((name) => SIGN_IN.test(name))
    .map((setting) => {
      const likely = nearest(setting, settings);
      const meant = distance(setting, likely) <= 4 ? `: did you mean ${likely}?` : '';
      return { setting, expected: `no setting of this name${meant} (docs/settings.md lists them)` };
    });
}

/** Names that look like a setting: a letter off, two where they are longer than six, or of Kafka. */
export function strayNames(env: Environment, settings: readonly string[]): StrayName[] {
  return strangers(env, settings)
    .filter((name) => !OF_KAFKA_SCRIPTS.has(name) && !OF_TOOLS.has(name))
    .flatMap((name) => {
      const likely = nearest(name, settings);
      if (distance(name, likely) <= (name.length > 6 ? 2 : 1)) return { name, likely };
      return name.startsWith(KAFKA) ? { name, likely: likelyOfKafka(name, settings) } : [];
    });
}

/** Those that are set and neither a setting nor what Kubernetes tells of its services. */
function strangers(env: Environment, settings: readonly string[]): string[] {
  const known = new Set(settings);
  return Object.entries(env)
    .filter(([, value]) => value !== undefined && value.trim() !== '')
    .filter(([name, value]) => !(OF_SERVICES.test(name) || SERVICE_URL.test(value!)))
    .map(([name]) => name)
    .filter((name) => !known.has(name))
    .sort();
}

/** What stands behind `KAFKA_` tells more than that: `KAFKA_TOPIC` means `TOPICS`. */
function likelyOfKafka(name: string, settings: readonly string[]): string | null {
  const elsewhere = KNOWN_ELSEWHERE.get(name);
  if (elsewhere !== undefined) return elsewhere;
  const own = withoutKafka(name);
  const candidates = settings.filter((each) => each.startsWith(KAFKA) || each === 'TOPICS');
  const likeness = (setting: string): number => {
    const other = withoutKafka(setting);
    return 1 - distance(own, other) / Math.max(own.length, other.length);
  };
  const best = candidates.reduce((a, b) => (likeness(b) > likeness(a) ? b : a));
  return likeness(best) < MIN_LIKENESS ? null : best;
}

function withoutKafka(name: string): string {
  return name.startsWith(KAFKA) ? name.slice(KAFKA.length) : name;
}

function nearest(name: string, settings: readonly string[]): string {
  return settings.reduce((a, b) => (distance(name, b) < distance(name, a) ? b : a));
}

/** Letters to put in, take out, change, or swap with the next: the optimal string alignment. */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1];
      let least = Math.min(row[j - 1]! + 1, last[j]! + 1, last[j - 1]! + (isSame ? 0 : 1));
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwapped) least = Math.min(least, before[j - 2]! + 1);
      row.push(least);
    }
    before = last;
    last = row;
  }
  return last[b.length]!;
}
