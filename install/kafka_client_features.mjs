import { exec } from './command.mjs';

/**
 * What the gateway relies on: TLS to the brokers, and every compression of records. Where the
 * header of a feature is missing the client compiles without it and says nothing, hence the
 * package that brings it.
 */
const FEATURES = [
  { name: 'ssl', package: 'libssl-dev' },
  { name: 'gzip', package: 'zlib1g-dev' },
  { name: 'zstd', package: 'libzstd-dev' },
  { name: 'snappy', package: 'none, it is bundled' },
  { name: 'lz4', package: 'none, it is bundled' },
];

/**
 * The features that the Kafka client in this folder lacks; all of them where it does not load.
 * Asked of a child process: an addon that was built for another machine can end a process.
 *
 * @param {string} folder
 */
export async function missingFeatures(folder, run = exec) {
  const code = 'JSON.stringify(require(process.argv[1]).features)';
  const { ok, stdout } = await run(process.execPath, ['-p', code, folder]);
  const features = ok ? JSON.parse(stdout) : [];
  return FEATURES.filter(({ name }) => !features.includes(name));
}
