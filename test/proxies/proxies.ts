import { Program, run } from '../support/program.ts';
import { PYTHON } from '../support/python.ts';
import { IS_ALL } from '../support/tier.ts';
import type { Place, ProxyKind } from './front_proxy.ts';

const nginx: ProxyKind = {
  name: 'nginx',
  file: 'nginx.conf',
  wrap: (site) => `
    pid nginx.pid;
    daemon off;
    error_log stderr;
    events {}
    http { access_log off; ${site} }`,
  command: ({ folder, config }) => ['/usr/sbin/nginx', '-p', folder, '-e', 'stderr', '-c', config],
  reload: async (proxy) => signal(proxy, 'SIGHUP'),
  streamsPerConnection: 50,
  hasIdleTimeout: true,
  answersForGateways: true,
};

const haproxy: ProxyKind = {
  name: 'HAProxy',
  file: 'haproxy.cfg',
  command: ({ config }) => ['/usr/sbin/haproxy', '-W', '-f', config],
  reload: async (proxy) => signal(proxy, 'SIGUSR2'),
  streamsPerConnection: 50,
  hasIdleTimeout: true,
  answersForGateways: true,
};

const APACHE_MODULES = 'mpm_event authz_core ssl http2 proxy proxy_http filter deflate'.split(' ');

const apache: ProxyKind = {
  name: 'Apache',
  file: 'apache.conf',
  wrap: (site, { folder, port }) => `
    ServerRoot ${folder}
    ServerName localhost
    PidFile ${folder}/apache.pid
    DefaultRuntimeDir ${folder}
    ErrorLog "|$cat >&2"
    ${APACHE_MODULES.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`).join('\n')}
    Listen ${port}
    ${site}`,
  command: ({ config }) => ['/usr/sbin/apache2', '-D', 'FOREGROUND', '-f', config],
  reload: async (proxy) => signal(proxy, 'SIGUSR1'),
  streamsPerConnection: 6,
  hasIdleTimeout: true,
  answersForGateways: false,
};

const caddy: ProxyKind = {
  name: 'Caddy',
  file: 'Caddyfile',
  wrap: (sites, { folder, adminPort }) => `{
    admin localhost:${adminPort}
    storage file_system ${folder}
    auto_https disable_redirects
  }
  ${sites}`,
  command: ({ config }) => ['caddy', 'run', '--config', config, '--adapter', 'caddyfile'],
  reload: async (_, { config, adminPort }) => {
    const address = ['--address', `localhost:${adminPort}`, '--force'];
    const command = ['caddy', 'reload', '--config', config, '--adapter', 'caddyfile'] as const;
    const { code, stderr } = await run([...command, ...address]);
    if (code !== 0) throw new Error(`caddy reload ended with ${code}: ${stderr}`);
    return null;
  },
  streamsPerConnection: 50,
  hasIdleTimeout: false,
  answersForGateways: true,
};

/** Processes with the same base id are one; the next epoch takes the ports over. */
const envoyCommand = ({ config, port }: Place, epoch: number) =>
  [
    ...([PYTHON.replace(/python$/, 'envoy'), '-c', config, '--base-id', String(port)] as const),
    ...['--restart-epoch', String(epoch), '--log-level', 'warning', '--concurrency', '2'],
  ] as const;

const envoy: ProxyKind = {
  name: 'Envoy',
  file: 'envoy.yaml',
  command: (place) => envoyCommand(place, 0),
  leaves: ({ port }) => `/dev/shm/envoy_shared_memory_${port}0`,
  reload: async (_, place) => new Program(envoyCommand(place, 1), { cwd: place.folder }),
  streamsPerConnection: 50,
  hasIdleTimeout: true,
  answersForGateways: true,
};

function signal(proxy: Program, name: NodeJS.Signals): null {
  proxy.kill(name);
  return null;
}

/** `npm test` has time for the one that most have. */
export const PROXIES: readonly ProxyKind[] = IS_ALL
  ? [nginx, haproxy, apache, caddy, envoy]
  : [nginx];
