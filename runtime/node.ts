import { ConfluentSource } from './kafka/confluent.ts';
import { listen } from './listen.ts';
import { main } from './main.ts';

await main({
  name: 'node',
  createSource: (connection) => new ConfluentSource(connection),
  listen,
});
