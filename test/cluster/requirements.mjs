/** Says what `npm run test:cluster` lacks on this machine, and ends with 1 then. */

import { spawnSync } from 'node:child_process';
import process from 'node:process';
import { which } from '../../install/tools.mjs';

const NAMESPACE = 'sse-kafka-fanout';
const TOOLS = {
  kubectl: 'https://kubernetes.io/docs/tasks/tools',
  helm: 'https://helm.sh/docs/intro/install',
  docker: 'https://docs.docker.com/get-docker, with an engine that runs',
  nc: 'apt-get install netcat-openbsd',
  kcat: 'apt-get install kcat',
  prometheus: 'apt-get install prometheus',
};

/** @param {string} command @param {string[]} args */
const works = (command, ...args) => spawnSync(command, args, { timeout: 15_000 }).status === 0;

const lacking = Object.entries(TOOLS)
  .filter(([name]) => which(name, process.env) === null)
  .map(([name, from]) => `${name}: ${from}`);

if (lacking.length === 0) {
  if (!works('docker', 'info')) lacking.push('a Docker engine that answers `docker info`');
  if (!works('docker', 'compose', 'version') && !works('docker-compose', 'version')) {
    lacking.push('docker compose: https://docs.docker.com/compose/install');
  }
  if (!works('kubectl', 'get', '--raw', '/version', '--request-timeout=10s')) {
    lacking.push(
      'a cluster: KUBECONFIG, or the current context of kubectl, names none that answers',
    );
  } else if (works('kubectl', 'get', 'namespace', NAMESPACE)) {
    lacking.push(`a cluster without the namespace ${NAMESPACE}: ./teardown.sh removes it`);
  }
}

for (const line of lacking) process.stderr.write(`test:cluster lacks ${line}\n`);
process.exitCode = lacking.length === 0 ? 0 : 1;
