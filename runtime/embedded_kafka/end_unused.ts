/**
 * Ends the embedded Kafka of a folder if nobody uses it: what `watch_users.ts` runs.
 *
 * @module
 */

import process from 'node:process';
import { endUnusedKafka } from './embedded_kafka.ts';

await endUnusedKafka(process.argv[2]!);
