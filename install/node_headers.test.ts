import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { headersVersion } from './node_headers.mjs';

test('headersVersion() reads the version of the headers, null where there are none', () => {
  const folder = mkdtempSync(join(tmpdir(), 'headers-'));
  try {
    expect(headersVersion(folder)).toBeNull();
    mkdirSync(join(folder, 'include', 'node'), { recursive: true });
    const header = [
      '#define NODE_MAJOR_VERSION 20',
      '#define NODE_MINOR_VERSION 3',
      '#define NODE_PATCH_VERSION 11',
      '#define NODE_VERSION_IS_LTS 1',
    ];
    writeFileSync(join(folder, 'include', 'node', 'node_version.h'), header.join('\n'));
    expect(headersVersion(folder)).toBe('20.3.11');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
