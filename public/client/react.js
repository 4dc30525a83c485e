// @ts-self-types="./react.d.ts"
/** Hooks of React over `client.js`. All is described in react.d.ts. */

import { useCallback, useRef, useSyncExternalStore } from 'react';
import { connect, table } from './client.js';
import { startsOver } from './client_events.js';

const LIMIT = 100;
/** Where there is no frame to wait for. */
const FRAME_MS = 16;

/** Streams in use, by what was asked for: all components that ask the same have one. */
const sources = new Map();

export function useTable(url, options = {}) {
  const { select = copy, isEqual, ...asked } = options;
  return useSource(keyOf('table', url, asked), () => tableSource(url, asked), select, isEqual);
}

export function useStream(url, options = {}) {
  const { select = identity, isEqual, ...asked } = options;
  return useSource(keyOf('stream', url, asked), () => streamSource(url, asked), select, isEqual);
}

const identity = (records) => records;
const copy = (rows) => new Map(rows);

/** Functions are no part of it: they may be written in place, and are others at each render. */
function keyOf(kind, url, options) {
  return JSON.stringify([kind, String(url), options]);
}

function useSource(key, open, select, isEqual = Object.is) {
  // biome-ignore lint/correctness/useExhaustiveDependencies: what opens it belongs to the key
  const subscribe = useCallback((listener) => join(key, open, listener), [key]);
  const last = useRef(null);
  const read = (state) => {
    const { current } = last;
    if (current?.state === state && current.select === select) return current.result;
    const { items, ...told } = state;
    const result = { data: select(items), ...told };
    // Nothing that a component sees is another: it is not rendered again.
    if (current !== null && isEqual(current.result.data, result.data)) {
      result.data = current.result.data;
      const isSame = Object.keys(told).every((name) => told[name] === current.result[name]);
      if (isSame) {
        last.current = { state, select, result: current.result };
        return current.result;
      }
    }
    last.current = { state, select, result };
    return result;
  };
  const nothing = key.startsWith('["table"') ? NO_ROWS : NO_RECORDS;
  return useSyncExternalStore(
    subscribe,
    () => read(sources.get(key)?.state ?? nothing),
    () => read(nothing),
  );
}

const BEFORE = { status: 'connecting', error: null, isWhole: false };
const NO_ROWS = { items: new Map(), ...BEFORE };
const NO_RECORDS = { items: [], ...BEFORE };

function join(key, open, listener) {
  if (!sources.has(key)) sources.set(key, open());
  const { listeners } = sources.get(key);
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
    // It may be on its way to another place of the page; StrictMode leaves and joins at once.
    setTimeout(() => {
      if (listeners.size > 0 || sources.get(key)?.listeners !== listeners) return;
      sources.get(key).close();
      sources.delete(key);
    });
  };
}

function tableSource(url, options) {
  const rows = table(url, options);
  const source = sourceOf(rows, rows.connection, () => ({ items: rows, isWhole: rows.isWhole }));
  for (const type of ['change', 'whole']) rows.addEventListener(type, source.changed);
  return source;
}

function streamSource(url, { limit = LIMIT, connect: open = connect, ...options }) {
  const connection = open(url, { ...options, format: 'json' });
  let records = [];
  let isWhole = false;
  const source = sourceOf(connection, connection, () => {
    records = records.slice(-limit);
    return { items: records, isWhole };
  });
  const on = (type, take) =>
    connection.addEventListener(type, ({ detail }) => {
      take(detail);
      source.changed();
    });
  for (const type of ['message', 'delete', 'leave']) {
    on(type, (record) => {
      records.push(record);
      // In a hidden page no frame comes.
      if (records.length > 2 * limit) records = records.slice(-limit);
    });
  }
  on('gap', (gap) => {
    if (!startsOver(gap)) return;
    records = [];
    isWhole = false;
  });
  on('live', () => {
    isWhole = true;
  });
  return source;
}

/** @param look gives what shows now */
function sourceOf(target, connection, look) {
  const listeners = new Set();
  let error = null;
  let isDue = false;
  const source = {
    listeners,
    state: { ...look(), status: target.status, error },
    close: () => target.close(),
    changed() {
      if (isDue) return;
      isDue = true;
      frame(() => {
        isDue = false;
        source.state = { ...look(), status: target.status, error };
        for (const listener of listeners) listener();
      });
    },
  };
  target.addEventListener('statuschange', source.changed);
  connection.addEventListener('open', () => {
    error = null;
    source.changed();
  });
  connection.addEventListener('error', (event) => {
    error = event.error;
    source.changed();
  });
  return source;
}

function frame(show) {
  if (globalThis.requestAnimationFrame) requestAnimationFrame(show);
  else setTimeout(show, FRAME_MS);
}
