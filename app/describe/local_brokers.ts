import type { Config } from '../config/config.ts';

const LOCAL = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\]):/;

/**
 * Brokers as a command on this machine takes them, for the page's hint; null where one of them is on
 * another: where those are is nothing for strangers.
 */
export function localBrokers({
  kafkaBrokers,
  embeddedKafkaPort,
}: Pick<Config, 'kafkaBrokers' | 'embeddedKafkaPort'>): string | null {
  if (kafkaBrokers === null) return `localhost:${embeddedKafkaPort}`;
  return kafkaBrokers.every((broker) => LOCAL.test(broker)) ? kafkaBrokers.join() : null;
}
