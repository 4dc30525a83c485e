/**
 * Starts the gateway on Node with enough threads. The Kafka client's wait holds one of libuv's
 * threads for each topic, and of the usual 4 none would be left: with 8 topics a record then takes
 * 45 ms instead of 3, or waits for seconds.
 *
 * The number counts only if it is set before the first thread is asked for. The loader of ES
 * modules on Node 20 asks for one, that of CommonJS does not: therefore this file. What it loads is a
 * bundle once `install/bundle.mjs` has run.
 */
process.env['UV_THREADPOOL_SIZE'] ??= '64';
void import('./node.ts');
