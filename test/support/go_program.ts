import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { which } from '../../install/tools.mjs';
import { CLONE } from '../../runtime/embedded_kafka/clone.ts';
import { run, succeeded } from './program.ts';

const GO = '/usr/local/go/bin/go';
/** Some minutes of two cores, and what is downloaded for it. */
export const COMPILE_MS = 1_200_000;

/** Compiles a program of Go, where that was not done yet. @returns the program */
export async function goProgram(name: string, path: string, version: string): Promise<string> {
  const folder = join(CLONE, '.cache', `${name}-${version}`);
  const program = join(folder, path.split('/').findLast((part) => !/^v\d+$/.test(part))!);
  if (existsSync(program)) return program;
  const go = which('go', process.env) ?? (existsSync(GO) ? GO : null);
  if (go === null) throw new Error(`${name} is a Go program: install Go to compile it`);
  await mkdir(folder, { recursive: true });
  const env = { GOBIN: folder, GOFLAGS: '-mod=mod' };
  const command = [go, 'install', `${path}@${version}`] as const;
  succeeded(command.join(' '), await run(command, { env }, COMPILE_MS));
  return program;
}
