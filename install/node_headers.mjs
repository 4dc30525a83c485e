import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { runLong } from './command.mjs';
import { npmCommand } from './node_modules.mjs';
import { which } from './tools.mjs';

/**
 * A folder with the C++ headers of this very Node; `null` where node-gyp has them itself.
 *
 * In turn: the folder that npm's `nodedir` names, the prefix of this Node, nodejs.org by
 * node-gyp, and the npm registry, which packs each Node with its headers: npm has just been
 * there, nodejs.org may be out of reach.
 *
 * @param {string} folder for headers that are fetched
 * @throws {PrepareError}
 */
export async function nodeHeaders(folder) {
  const { npm_config_nodedir: nodedir, ...env } = process.env;
  const places = [nodedir, dirname(dirname(process.execPath))];
  const here = places.find((place) => place && headersVersion(place) === process.versions.node);
  if (here !== undefined) {
    return here;
  }
  const gyp = nodeGyp();
  const fetched = await runLong(gyp.command, [...gyp.args, 'install', '--ensure'], {
    label: "fetching Node's headers from nodejs.org",
    about: '10 s',
    log: 'node-headers.log',
    deadlineSeconds: 180,
    env,
    quiet: true,
  });
  if (fetched) {
    return null;
  }
  const packed = `node-${process.platform}-${process.arch}`;
  const npm = npmCommand(process.env);
  const install = ['install', '--prefix', folder, '--ignore-scripts', '--no-save', '--no-audit'];
  await runLong(npm.command, [...npm.args, ...install, `${packed}@${process.versions.node}`], {
    label: "fetching Node's headers from the npm registry",
    about: '20 s',
    log: 'node-headers-npm.log',
    deadlineSeconds: 600,
    cwd: folder,
  });
  return join(folder, 'node_modules', packed);
}

/**
 * The version of the headers below a prefix, "20.20.2"; `null` where there are none.
 *
 * @param {string} prefix
 */
export function headersVersion(prefix) {
  const file = join(prefix, 'include', 'node', 'node_version.h');
  if (!existsSync(file)) {
    return null;
  }
  const text = readFileSync(file, 'utf8');
  const number = (/** @type {string} */ part) =>
    new RegExp(`#define NODE_${part}_VERSION (\\d+)`).exec(text)?.[1];
  return [number('MAJOR'), number('MINOR'), number('PATCH')].join('.');
}

/** The node-gyp that npm brings along, else the one on PATH. */
export function nodeGyp() {
  const { npm_config_node_gyp, npm_execpath } = process.env;
  const npm = npm_execpath ?? which('npm', process.env);
  const places = [
    npm_config_node_gyp,
    npm && join(dirname(realpathSync(npm)), '..', 'node_modules', 'node-gyp', 'bin', 'node-gyp.js'),
  ];
  const script = places.find((place) => place && existsSync(place));
  return script ? { command: process.execPath, args: [script] } : { command: 'node-gyp', args: [] };
}
