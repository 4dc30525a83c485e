import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { CertificateWatch } from './certificate_watch.ts';

const WITHIN_MS = 10_000;

let folder: string;
let told: number;
let watch: CertificateWatch;
let cert: string;
let key: string;

beforeEach(() => {
  jest.useFakeTimers();
  folder = mkdtempSync(join(tmpdir(), 'certificate-watch-'));
  // As Kubernetes mounts a Secret.
  put('first', 'cert 1', 'key 1');
  [cert, key] = [join(folder, 'current', 'tls.crt'), join(folder, 'current', 'tls.key')];
  told = 0;
  watch = new CertificateWatch([cert, key], () => {
    told++;
  });
});
afterEach(() => {
  watch.close();
  jest.useRealTimers();
  rmSync(folder, { recursive: true });
});

/** Lets the link lead to a folder with these files, at once. */
function put(name: string, certText: string, keyText: string): void {
  mkdirSync(join(folder, name));
  writeFileSync(join(folder, name, 'tls.crt'), certText);
  writeFileSync(join(folder, name, 'tls.key'), keyText);
  symlinkSync(name, join(folder, 'next'));
  renameSync(join(folder, 'next'), join(folder, 'current'));
}

test('CertificateWatch tells once, within 10 s, that the link above its files was swapped', () => {
  jest.advanceTimersByTime(WITHIN_MS);
  expect(told).toBe(0);
  put('second', 'cert 2', 'key 2');
  jest.advanceTimersByTime(WITHIN_MS);
  expect(told).toBe(1);
  jest.advanceTimersByTime(60_000);
  expect(told).toBe(1);
});

test('CertificateWatch does not tell of what somebody has read meanwhile', () => {
  put('second', 'cert 2', 'key 2');
  watch.noteRead();
  jest.advanceTimersByTime(WITHIN_MS);
  expect(told).toBe(0);
  put('third', 'cert 3', 'key 3');
  jest.advanceTimersByTime(WITHIN_MS);
  expect(told).toBe(1);
});

test('CertificateWatch waits until the second file of a pair is there, too', () => {
  for (let n = 0; n < 3; n++) {
    writeFileSync(n % 2 === 0 ? cert : key, `${n}`);
    jest.advanceTimersByTime(2000);
    expect(told).toBe(0);
  }
  jest.advanceTimersByTime(2000);
  expect(told).toBe(1);
});

test('CertificateWatch tells of files that went away, and came back as they were', () => {
  rmSync(key);
  jest.advanceTimersByTime(WITHIN_MS);
  expect(told).toBe(1);
  writeFileSync(key, 'key 1');
  jest.advanceTimersByTime(WITHIN_MS);
  expect(told).toBe(2);
});

test('CertificateWatch tells nothing once it is closed', () => {
  watch.close();
  put('second', 'cert 2', 'key 2');
  jest.advanceTimersByTime(WITHIN_MS);
  expect(told).toBe(0);
});
