import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { succeeded } from '../support/program.ts';
import { outcome, succeed } from './cluster.ts';

const BROKERS = ['--set', 'kafka.brokers={kafka:9092}'];
const ALL = ['--values', 'test/cluster/all_values.yaml'];
/** Of these a cluster may know none. */
const ADDED_KINDS = ['HTTPRoute', 'ServiceMonitor', 'PrometheusRule'];
const NAMESPACE = 'sse-kafka-fanout-charts';

/** Renders a chart as an installation would, without one. */
function template(chart: string, ...args: readonly string[]) {
  return outcome([
    'helm',
    'template',
    'release',
    `helm/${chart}`,
    '--kube-version',
    '1.34',
    ...args,
  ]);
}

async function manifests(chart: string, ...args: readonly string[]): Promise<string[]> {
  const { stdout } = succeeded(`helm template ${chart}`, await template(chart, ...args));
  return `${stdout}`.split(/^---\n/m).filter((text) => /^kind:/m.test(text));
}

function kindOf(manifest: string): string {
  return /^kind: (\w+)$/m.exec(manifest)![1]!;
}

describe('the charts', () => {
  beforeAll(async () => {
    await succeed(['kubectl', 'create', 'namespace', NAMESPACE]);
    const standard = 'pod-security.kubernetes.io/warn=restricted';
    await succeed(['kubectl', 'label', 'namespace', NAMESPACE, standard]);
  });
  afterAll(() => succeed(['kubectl', 'delete', 'namespace', NAMESPACE]));

  test.each([
    ['kafka', []],
    ['gateway', BROKERS],
    ['gateway', ALL],
  ])('pass helm lint --strict: %s %j', async (chart, args) => {
    await succeed(['helm', 'lint', '--strict', `helm/${chart}`, ...args]);
  });

  test.each([
    ['kafka', []],
    ['kafka', ['--set', 'persistence.enabled=false']],
    ['gateway', BROKERS],
    ['gateway', ALL],
  ])('are taken by the API server, pods by the restricted standard: %s %j', async (chart, args) => {
    const known = await succeed(['kubectl', 'api-resources', '--output=wide', '--no-headers']);
    const isKnown = (kind: string): boolean => new RegExp(`\\s${kind}\\s`).test(known);
    const all = await manifests(chart, '--namespace', NAMESPACE, ...args);
    const kinds = all.map(kindOf);
    expect(ADDED_KINDS).toEqual(expect.arrayContaining(kinds.filter((kind) => !isKnown(kind))));
    const { code, stdout, stderr } = await outcome(
      ['kubectl', 'apply', '--namespace', NAMESPACE, '--dry-run=server', '--filename', '-'],
      all.filter((manifest) => isKnown(kindOf(manifest))).join('---\n'),
    );
    // A pod that breaks the standard brings a warning.
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(`${stdout}`.trim().split('\n').length).toBe(kinds.filter(isKnown).length);
  });

  test('have every part when it is turned on, and few by default', async () => {
    const few = (await manifests('gateway', ...BROKERS)).map(kindOf).sort();
    expect(few).toEqual([
      'Deployment',
      'Pod',
      'PodDisruptionBudget',
      'Secret',
      'Service',
      'Service',
      'ServiceAccount',
    ]);
    const all = (await manifests('gateway', ...ALL)).map(kindOf).sort();
    const parts = ['ConfigMap', 'ConfigMap', 'HorizontalPodAutoscaler', 'Ingress', 'NetworkPolicy'];
    expect(all).toEqual([...few, ...parts, ...ADDED_KINDS].sort());
  });

  test('take a certificate from a Secret, and then make none', async () => {
    const args = [...BROKERS, '--set', 'tls.secretName=of-cert-manager'];
    const all = await manifests('gateway', ...args);
    expect(all.map(kindOf)).not.toContain('Secret');
    expect(all.join()).toContain('secretName: of-cert-manager');
  });

  test('let out what a sign-in asks, where that is named', async () => {
    const issuer = ['settings.JWT_ISSUER=https://a.example', 'settings.JWT_AUDIENCE=gateway'];
    const rule = '[{"to":[{"ipBlock":{"cidr":"192.0.2.0/24"}}],"ports":[{"port":443}]}]';
    const args = ['networkPolicy.enabled=true', ...issuer].flatMap((set) => ['--set', set]);
    const named = ['--set-json', `networkPolicy.egress=${rule}`];
    const all = await manifests('gateway', ...BROKERS, ...args, ...named);
    const [policy] = all.filter((manifest) => kindOf(manifest) === 'NetworkPolicy');
    expect(policy).toContain('cidr: 192.0.2.0/24');
    expect(policy).toContain('- port: 443');
    // Keys in a file need nobody.
    const file = ['--set', 'settings.JWT_KEYS_FILE=/keys/keys.json'];
    await manifests('gateway', ...BROKERS, ...args, ...file);
  });

  test('restart nothing for another streams file', async () => {
    const deploymentWith = async (path: string): Promise<string> => {
      const file = `streamsFile=streams: { ${path}: { topic: events } }`;
      const all = await manifests('gateway', ...BROKERS, '--set-string', file);
      return all.find((manifest) => kindOf(manifest) === 'Deployment')!;
    };
    expect(await deploymentWith('/a')).toBe(await deploymentWith('/b'));
  });

  test('have helm test sign in, where users do', async () => {
    const podOf = async (...set: readonly string[]): Promise<string> => {
      const sets = set.flatMap((one) => ['--set', one]);
      const all = await manifests('gateway', ...BROKERS, ...sets);
      return all.find((manifest) => kindOf(manifest) === 'Pod')!;
    };
    expect(await podOf()).toMatch(/name: SIGNS_IN, value: ""/);
    const signedIn = await podOf(
      'settings.JWT_ISSUER=https://a.example',
      'helmTest.tokenSecret=reader',
    );
    expect(signedIn).toMatch(/name: SIGNS_IN, value: "true"/);
    expect(signedIn).toMatch(
      /name: TOKEN, valueFrom: \{secretKeyRef: \{name: reader, key: token\}\}/,
    );
    expect(signedIn).toMatch(/name: STREAM, value: "\/events"/);
  });

  test.each([
    ['topics={a}', 'a', '/a'],
    ['streamsFile=topics: { a: { path: false }, b: {} }', '', '/b'],
    ['streamsFile=streams: { "/{id}": { topic: a }, /x: { topic: a } }', '', '/x'],
    ['streamsFile=streams: { "/{id}": { topic: a } }', '', ''],
    ['helmTest.path=/y', 'events', '/y'],
  ])('serve with %s the topics "%s", and look at the stream "%s"', async (set, topics, stream) => {
    const escaped = set.startsWith('streamsFile') ? set.replaceAll(',', '\\,') : set;
    const all = (await manifests('gateway', ...BROKERS, '--set', escaped)).join();
    expect(/name: TOPICS, value: "(.*)"/.exec(all)![1]).toBe(topics);
    expect(/name: STREAM, value: "(.*)"/.exec(all)![1]).toBe(stream);
  });

  test('let helm test in, where it is told who else', async () => {
    const args = ['--set', 'networkPolicy.enabled=true', '--set-json'];
    const from = 'networkPolicy.from=[{"podSelector":{"matchLabels":{"app":"proxy"}}}]';
    const all = await manifests('gateway', ...BROKERS, ...args, from);
    const policy = all.find((manifest) => kindOf(manifest) === 'NetworkPolicy');
    const pod = all.find((manifest) => kindOf(manifest) === 'Pod');
    const labels = /app.kubernetes.io\/instance: release\s+app.kubernetes.io\/component: test/;
    expect(policy).toMatch(labels);
    expect(pod).toMatch(labels);
  });

  test('take an image by its digest', async () => {
    const tag = `1.2.3@sha256:${'0'.repeat(64)}`;
    const all = await manifests('gateway', ...BROKERS, '--set', `image.tag=${tag}`);
    const images = [...all.join().matchAll(/image: (.*)/g)].map(([, image]) => image);
    expect(images).toEqual([`sse-kafka-fanout:${tag}`, `sse-kafka-fanout:${tag}`]);
  });

  test.each([
    ['replicas=many', 'replicas'],
    ['settings.MAX_CONECTIONS=1', 'MAX_CONECTIONS'],
    ['settings.LOG_LEVEL=loud', 'LOG_LEVEL'],
    ['settings.DRAIN_SECONDS=-1', 'DRAIN_SECONDS'],
    ['kafka.brokers={kafka}', 'brokers'],
    ['kafka.sasl.mechanism=GSSAPI', 'mechanism'],
    ['kafka.sasl.mechanism=PLAIN', 'kafka.sasl.secret'],
    ['kafka.brokers=null', 'kafka.brokers'],
    ['topics={a/b}', 'topics'],
    ['image.pullPolicy=Sometimes', 'pullPolicy'],
    ['ingress.enabled=true', 'ingress.hosts'],
    ['httpRoute.enabled=true', 'httpRoute.parentRefs'],
    ['networkPolicy.egress={anywhere}', 'egress'],
    [
      'networkPolicy.enabled=true,settings.SIGN_IN_URL=https://a.example/me',
      'networkPolicy.egress',
    ],
    [
      'networkPolicy.enabled=true,kafka.sasl.mechanism=OAUTHBEARER,kafka.sasl.secret=login,kafka.sasl.oauth.tokenUrl=https://a.example/token',
      'networkPolicy.egress',
    ],
    ['streamsFile=streams: [', 'streamsFile'],
    ['unheardOf=1', 'unheardOf'],
  ])('refuse %s by name', async (set, name) => {
    const { code, stderr } = await template('gateway', ...BROKERS, '--set', set);
    expect(code).not.toBe(0);
    expect(stderr).toContain(name);
  });
});
