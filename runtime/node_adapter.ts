import { listen } from './server/listen.ts';
import type { RuntimeAdapter } from './serving.ts';

export const NODE: RuntimeAdapter = {
  name: 'node',
  // Only where it is used: with workers the primary process reads nothing, and it takes 0.7 s to load.
  createSource: async (connection) => {
    const { ConfluentSource } = await import('./kafka/confluent/confluent.ts');
    return new ConfluentSource(connection);
  },
  listen,
};
