/**
 * What filters by value cost a gateway for each record, after `npm run build`: to parse a value, once for
 * all filters; a shape of equalities, however many clients have it; a filter that is looked through;
 * and the costliest expressions that are taken.
 *
 *     node bench/filters.mjs
 *     deno run --allow-env --allow-read bench/filters.mjs
 *
 * @module
 */
import process from 'node:process';
import { loadBuilt } from './built.mjs';

const { parseTemplate } = await loadBuilt('app/expressions/expression.js');
const { filterParts, RECORD_NAMES } = await loadBuilt('app/views/filter_parts.js');
const { Filter } = await loadBuilt('app/views/filter.js');
const { FilterIndex } = await loadBuilt('app/views/filter_index.js');
const { RecordFacts } = await loadBuilt('app/views/record_facts.js');

const CUSTOMERS = 10_000;
const RECORDS = 20_000;
const ROUNDS = 5;

/** @param {string} where */
function filterOf(where) {
  const { equalities, conditions } = filterParts(
    parseTemplate(where, RECORD_NAMES, new Set()).given({}),
  );
  return new Filter(equalities, conditions);
}

/** @param {unknown} json */
function record(json) {
  const value = new TextEncoder().encode(JSON.stringify(json));
  return { partition: 0, offset: 0, timestamp: 0, key: null, value, headers: [] };
}

const orders = Array.from({ length: RECORDS }, (_, number) =>
  record({
    id: `order-${number}`,
    customer: `customer-${number % CUSTOMERS}`,
    total: number % 500,
    currency: 'EUR',
    state: ['new', 'paid', 'sent'][number % 3],
    items: [{ sku: 'a-1', count: 2 }],
    note: 'x'.repeat(60),
    at: '2026-11-30T12:00:00Z',
  }),
);

/**
 * @param {readonly string[]} wheres
 * @param {readonly object[]} records
 * @returns microseconds of a processor for each record, the least and the most
 */
function measure(wheres, records) {
  const index = new FilterIndex({ match: 0, skip: 0, error: 0 });
  for (const where of wheres) {
    const filter = filterOf(where);
    index.add(filter, { filter });
  }
  let matches = 0;
  const found = { match: () => matches++, unread() {}, later() {} };
  const rounds = Array.from({ length: ROUNDS }, () => {
    const before = process.cpuUsage();
    for (const each of records) index.find(new RecordFacts(each, null), found);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / records.length;
  });
  return { least: Math.min(...rounds.slice(1)), most: Math.max(...rounds.slice(1)) };
}

/** @param {string} name @param {{ least: number, most: number }} times */
function tell(name, { least, most }, digits = 2) {
  console.log(`${name}: ${least.toFixed(digits)} to ${most.toFixed(digits)} µs`);
}

console.log(`Values of about ${orders[0]?.value.length} bytes, for each record:`);
/** @param {number} count */
const customers = (count) =>
  Array.from({ length: count }, (_, number) => `value.customer == "customer-${number}"`);
tell('parsed, and one filter by a field of it', measure(customers(1), orders));
tell(`the same, and ${CUSTOMERS} filters of that shape`, measure(customers(CUSTOMERS), orders));

/** @param {number} count */
const three = (count) =>
  Array.from(
    { length: count },
    (_, n) =>
      `value.total > ${400 + (n % 50)} && value.state != "s${n}" && value.currency < "F${n}"`,
  );
const some = orders.slice(0, 2000);
const [one, many] = [measure(three(1), some), measure(three(201), some)];
tell('each further filter of three comparisons', {
  least: (many.least - one.least) / 200,
  most: (many.most - one.most) / 200,
});

console.log('The costliest that are taken, for one value of 1 MB:');
const text = 'a'.repeat(2 ** 19 - 100);
const large = record({ a: text, b: `b${'a'.repeat(2 ** 18)}`, c: '' });
const list = record({ a: Array.from({ length: 250_000 }, () => 1), b: [1], c: 2 });
/** @param {number} count @param {(part: unknown, number: number) => string} part */
const all = (count, part) => Array.from({ length: count }, part).join(' || ');
/** @type {readonly [string, string, object][]} */
const costliest = [
  ['contains', all(50, () => 'value.a.contains(value.b)'), large],
  ['size', all(30, (_, n) => `size(value.a) == ${n}`), large],
  ['in', all(50, () => 'value.c in value.a'), list],
  ['==', all(50, () => 'value.a != value.a'), list],
  ['<', all(50, () => 'value.a < value.a'), large],
  ['+', all(16, () => '(value.a + value.c + value.b).contains(value.b + "b")'), large],
];
for (const [name, where, value] of costliest) tell(name, measure([where], [value]), 0);
