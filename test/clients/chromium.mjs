/**
 * The EventSource of Chromium. Prints a line of JSON an event; ends where it gives up.
 *
 *     node chromium.mjs URL
 */

import process from 'node:process';
import { chromium } from 'playwright-core';
import { CHROMIUM } from '../support/chromium.mjs';

const browser = await chromium.launch(CHROMIUM);
const page = await browser.newPage();
page.setDefaultTimeout(90_000);
await page.exposeFunction('tell', (/** @type {object} */ event) =>
  console.log(JSON.stringify(event)),
);
await page.exposeFunction('giveUp', async () => {
  await browser.close();
  process.exit();
});

await page.evaluate((url) => {
  const { tell, giveUp } = /** @type {any} */ (globalThis);
  const source = new EventSource(url);
  for (const event of ['message', 'delete', 'gap', 'live', 'place']) {
    source.addEventListener(event, ({ data, lastEventId: id }) => tell({ event, data, id }));
  }
  source.onerror = () => source.readyState === EventSource.CLOSED && giveUp();
}, process.argv[2] ?? '');
