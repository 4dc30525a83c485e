import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { ensureTools } from './system_tools.mjs';

type Tool = Parameters<typeof ensureTools>[0][number];

/** On PATH there is nothing but an `apt-get`. */
const PATH = mkdtempSync(join(tmpdir(), 'apt-'));
writeFileSync(join(PATH, 'apt-get'), '');
chmodSync(join(PATH, 'apt-get'), 0o755);
afterAll(() => rmSync(PATH, { recursive: true }));

/** A Debian on which `apt-get install` works, or works only after `apt-get update`. */
function debian({ root = true, lists = true, works = true, env = {} } = {}) {
  const installed = new Set<string>();
  const apt: string[] = [];
  let listed = lists;
  const host = {
    env: { PATH, ...env },
    platform: 'linux' as NodeJS.Platform,
    root,
    exec: async () => ({ ok: listed, stdout: '', stderr: '' }),
    apt: async (args: string[]) => {
      apt.push(args.join(' '));
      if (args[0] === 'update') {
        listed = true;
      } else if (listed && works) {
        for (const name of args) {
          installed.add(name);
        }
      }
      return listed;
    },
  };
  const tool = (name: string, more: Partial<Tool> = {}): Tool => ({
    name,
    debian: name,
    present: () => installed.has(more.debian ?? name),
    ...more,
  });
  return { host, apt, tool };
}

describe('ensureTools()', () => {
  test('does nothing where nothing is missing', async () => {
    const { host, apt, tool } = debian();
    await ensureTools([tool('kcat', { present: () => true })], host);
    expect(apt).toEqual([]);
  });

  test('installs as root, all at once, each once', async () => {
    const { host, apt, tool } = debian();
    await ensureTools([tool('kcat'), tool('python3'), tool('python3')], host);
    expect(apt).toEqual(['install --no-install-recommends kcat python3']);
  });

  test('updates the lists where they do not know a package, and then chooses anew', async () => {
    const { host, apt, tool } = debian({ lists: false });
    const java = tool('Java 17', { debian: 'openjdk-17-jre-headless', debianElse: 'default-jre' });
    await ensureTools([tool('kcat'), java], host);
    expect(apt).toEqual([
      'install --no-install-recommends kcat default-jre',
      'update',
      'install --no-install-recommends kcat openjdk-17-jre-headless',
    ]);
  });

  test('says what to type when the package did not bring the tool', async () => {
    const { host, tool } = debian({ works: false });
    await expect(ensureTools([tool('maven')], host)).rejects.toThrow('missing: maven.');
  });

  test('installs nothing as another user: it says what to type, and the other way out', async () => {
    const { host, apt, tool } = debian({ root: false });
    const tools = [tool('maven', { instead: 'Or set KAFKA_BROKERS.' }), tool('kcat')];
    await expect(ensureTools(tools, host)).rejects.toThrow(
      'missing: maven, kcat. Install by\n' +
        '    sudo apt-get update && sudo apt-get install -y --no-install-recommends maven kcat\n' +
        'and start again.\n' +
        'Or set KAFKA_BROKERS.',
    );
    expect(apt).toEqual([]);
  });

  test('installs nothing where INSTALL=no: it says what it would install', async () => {
    const { host, apt, tool } = debian({ env: { INSTALL: 'no' } });
    await expect(ensureTools([tool('maven')], host)).rejects.toThrow(
      'missing: maven. Install by\n' +
        '    apt-get update && apt-get install -y --no-install-recommends maven\n',
    );
    expect(apt).toEqual([]);
  });

  test('names what Homebrew calls the packages on macOS', async () => {
    const { host, tool } = debian({ root: false, env: { PATH: '/nowhere' } });
    const tools = [tool('Java 17', { brew: 'temurin@17' }), tool('maven')];
    await expect(ensureTools(tools, { ...host, platform: 'darwin' })).rejects.toThrow(
      'missing: Java 17, maven. Install by\n    brew install temurin@17 maven\nand start again.',
    );
  });

  test('names the packages where there is no apt-get', async () => {
    const { host, tool } = debian({ env: { PATH: '/nowhere' } });
    await expect(ensureTools([tool('kcat')], host)).rejects.toThrow(
      'missing: kcat. Install with your package manager (Debian calls them: kcat)',
    );
  });

  test('installs nothing beside a variable that names the wrong place', async () => {
    const { host, apt, tool } = debian({ env: { JAVA_HOME: '/opt/java8' } });
    const java = tool('Java 17', { variable: 'JAVA_HOME' });
    await expect(ensureTools([java], host)).rejects.toThrow(
      'JAVA_HOME is /opt/java8, and Java 17 is not there: correct it or unset it.',
    );
    expect(apt).toEqual([]);
  });
});
