// Counts the records of each key, every record once: node consumer.mjs [URL]
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import { connect } from 'sse-kafka-fanout-client';

const FILE = 'counts.json';
const SAVE_MS = 100;
const [, , url = 'http://localhost:8080/events'] = process.argv;

/** What is counted, and the id of the event up to which it is. */
const stored = load();

function load() {
  try {
    return JSON.parse(readFileSync(FILE, 'utf8'));
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
    return { id: '', counts: {} };
  }
}

/** Counts and id are replaced together or not at all, wherever the program ends. */
function save() {
  writeFileSync(`${FILE}.new`, JSON.stringify(stored), { flush: true });
  renameSync(`${FILE}.new`, FILE);
  isSaved = true;
}

let isSaved = true;
for await (const event of connect(url, { format: 'json', lastEventId: stored.id })) {
  if (event.type === 'message') {
    const { key } = event.detail;
    stored.counts[key] = (stored.counts[key] ?? 0) + 1;
  } else if (event.type === 'gap') {
    console.error('not delivered', event.data);
  }
  stored.id = event.lastEventId;
  if (isSaved) setTimeout(save, SAVE_MS);
  isSaved = false;
}
