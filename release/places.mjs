/**
 * Where the version stands, beside `package.json` and its lock. The pattern is what stands before it.
 *
 * @type {readonly (readonly [file: string, before: RegExp])[]}
 */
export const PLACES = [
  ['app/describe/event_schemas.ts', /API_VERSION = '/],
  ['public/client/package.json', /"version": "/],
  ['sse_cat/package.json', /"version": "/],
  ['helm/gateway/Chart.yaml', /^version: /m],
  ['helm/gateway/Chart.yaml', /^appVersion: /m],
  ['helm/kafka/Chart.yaml', /^version: /m],
  ['helm/gateway/values.yaml', /the chart's appVersion; /],
  ['Dockerfile', /^ARG VERSION=/m],
  ['compose.yaml', /sse-kafka-fanout:/],
  ['docs/on_kubernetes.md', /sse-kafka-fanout[: ](?=\d)/],
];

/** https://semver.org */
const VERSION = String.raw`\d+\.\d+\.\d+(?:-[\w.-]+)?`;

/**
 * @param {RegExp} before
 */
export function versionsBehind(before) {
  return new RegExp(`(${before.source})(${VERSION})`, `g${before.flags}`);
}
