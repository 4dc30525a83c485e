/**
 * Prints what the changelog says of a version.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { notesOf } from './changelog.mjs';

const changelog = readFileSync(new URL('../CHANGELOG.md', import.meta.url), 'utf8');
process.stdout.write(`${notesOf(changelog, process.argv[2] ?? '')}\n`);
