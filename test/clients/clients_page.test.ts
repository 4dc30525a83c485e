import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { CLONE } from '../../runtime/embedded_kafka/clone.ts';
import { CLIENTS } from './clients.ts';
import { clientsTable } from './clients_table.ts';

const page = readFileSync(join(CLONE, 'docs/clients.md'), 'utf8');

test('docs/clients.md has the table of what the suite expects of each client', () => {
  const table = page.split('\n').filter((line) => line.startsWith('| '));
  const due = clientsTable().trimEnd().split('\n');
  expect(table.slice(0, due.length)).toEqual(due);
});

test('docs/clients.md links the driver of each client', () => {
  for (const { command } of CLIENTS) {
    const driver = command.find((part) => part.includes('/test/clients/'))!.slice(CLONE.length + 1);
    expect(existsSync(join(CLONE, driver))).toBe(true);
    expect(page).toContain(`](../${driver})`);
  }
});
