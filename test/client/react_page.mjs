/** What `react.test.ts` shows in a browser. Bundled by esbuild. */
import { createElement as h, memo, StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { useStream, useTable } from '../../public/client/react.js';

/** @type {Record<string, number>} how often each component was rendered */
const renders = {};
let frames = 0;
requestAnimationFrame(function count() {
  frames += 1;
  requestAnimationFrame(count);
});

/** @param {string} name */
function rendered(name) {
  renders[name] = (renders[name] ?? 0) + 1;
}

function Size() {
  const { data, status, isWhole } = useTable('/prices');
  rendered('size');
  return h('p', { id: 'size' }, `${data.size} ${status} ${isWhole}`);
}

/** Of one key, by a selector that is another at each render. */
const Price = memo((/** @type {{ name: string }} */ { name }) => {
  const { data } = useTable('/prices', { select: (rows) => rows.get(name) });
  rendered(name);
  return h('p', { id: name }, `${data}`);
});

function Last() {
  const { data } = useStream('/events', { limit: 3 });
  rendered('last');
  return h('p', { id: 'last' }, data.map(({ value }) => value).join());
}

const root = createRoot(/** @type {Element} */ (document.querySelector('#root')));
const prices = h('div', null, h(Price, { name: 'still' }), h(Price, { name: 'k1' }));
root.render(h(StrictMode, null, h(Size), prices, h(Last)));

Object.assign(globalThis, {
  counts: () => ({ frames, renders: { ...renders } }),
  leave: () => root.unmount(),
});
