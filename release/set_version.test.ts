import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { CLONE } from '../runtime/embedded_kafka/clone.ts';
import { notesOf } from './changelog.mjs';
import { PLACES } from './places.mjs';
import { otherVersions, setVersion } from './set_version.mjs';

const FILES = [...new Set(['package.json', 'CHANGELOG.md', ...PLACES.map(([file]) => file)])];

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'version-'));
  for (const file of FILES) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    cpSync(join(CLONE, file), join(folder, file));
  }
  writeNotes('what is new');
});
afterEach(() => rmSync(folder, { recursive: true }));

function read(file: string): string {
  return readFileSync(join(folder, file), 'utf8');
}

/** Right behind a release there is nothing that is unreleased. */
function writeNotes(text: string): void {
  const changelog = read('CHANGELOG.md');
  const notes = `## [Unreleased]\n\n### Added\n\n- ${text}\n`;
  writeFileSync(join(folder, 'CHANGELOG.md'), changelog.replace('## [Unreleased]\n', notes));
}

/** As `npm version` does it before it calls the script. */
function setInPackage(version: string): void {
  const manifest = { ...JSON.parse(read('package.json')), version };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
}

describe('setVersion()', () => {
  test('all places have the same version', () => {
    const { version } = JSON.parse(read('package.json')) as { version: string };
    expect(otherVersions(CLONE, version)).toEqual([]);
  });

  test('setVersion() writes it everywhere', () => {
    const before = '97.5.3';
    setInPackage(before);
    setVersion(folder, before, '2026-12-23');
    writeNotes('what is newer');
    setInPackage('98.7.6-rc.1');
    expect(otherVersions(folder, '98.7.6-rc.1').length).toBeGreaterThan(PLACES.length - 1);
    setVersion(folder, '98.7.6-rc.1', '2026-12-24');
    expect(otherVersions(folder, '98.7.6-rc.1')).toEqual([]);
    for (const file of FILES.filter((one) => one !== 'CHANGELOG.md'))
      expect([file, read(file).includes(before)]).toEqual([file, false]);
    expect(read('compose.yaml')).toContain('sse-kafka-fanout:98.7.6-rc.1}');
  });

  test('setVersion() gives what is unreleased its number, and begins anew', () => {
    const before = notesOf(read('CHANGELOG.md'), 'Unreleased');
    expect(before).not.toBe('');
    setInPackage('1.2.3');
    setVersion(folder, '1.2.3', '2026-12-24');
    expect(read('CHANGELOG.md')).toContain('## [Unreleased]\n\n## [1.2.3] - 2026-12-24\n');
    expect(notesOf(read('CHANGELOG.md'), '1.2.3')).toBe(before);
    expect(notesOf(read('CHANGELOG.md'), 'Unreleased')).toBe('');
    expect(() => setVersion(folder, '1.2.4', '2026-12-25')).toThrow('what do users get?');
    expect(() => notesOf(read('CHANGELOG.md'), '7.0.0')).toThrow('no section 7.0.0');
  });
});
