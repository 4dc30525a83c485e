/**
 * Makes a fresh clone ready to run: npm packages, the native Kafka client, what the system lacks,
 * the build. Says on stderr what it does; silent when there is nothing to do.
 *
 *     node install/prepare.mjs [--deno] [--test] [--engines] [--quick] [--kafka]
 *
 * `--deno` makes it ready for Deno, which needs neither the native client nor a build, and prints
 * the options that the gateway is to be started with; Deno may run it as well. `--test` also asks for what the tests need, `--engines` for more browsers beside it, `--quick` for npm packages alone, which is what the quick ones need, `--kafka` for the embedded Kafka even
 * where KAFKA_BROKERS is set. Ends with 1 where something is missing that it may not install itself:
 * programs of the system it installs as root with apt-get alone, and with INSTALL=no not at all.
 *
 * The steps are imported only once the version is known to be good, because an older Node stops
 * at their syntax, and says so in words that help nobody.
 */

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

if (process.platform === 'win32') {
  refuse('Windows is not supported but in WSL: https://learn.microsoft.com/windows/wsl/install');
} else if (major < 20 || (major === 20 && minor < 19)) {
  refuse(
    `this is Node ${process.versions.node}, and Node 20.19 or later is needed: ` +
      'install it from https://nodejs.org or with your version manager (nvm install 22).',
  );
} else {
  import('./steps.mjs').then((steps) =>
    steps.main({
      deno: process.argv.includes('--deno'),
      test: process.argv.includes('--test'),
      engines: process.argv.includes('--engines'),
      quick: process.argv.includes('--quick'),
      kafka: process.argv.includes('--kafka'),
    }),
  );
}

/** @param {string} why */
function refuse(why) {
  process.stderr.write(`prepare: ${why}\n`);
  process.exitCode = 1;
}
