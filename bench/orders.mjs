/**
 * Orders of 20 fields as the serializers of a schema registry write them, with the schemas.
 *
 * @module
 */

/** @typedef {'string' | 'double' | 'int' | 'long' | 'boolean'} Type */

/** @type {Record<string, Type>} */
const FIELDS = {
  id: 'string',
  customer: 'string',
  state: 'string',
  currency: 'string',
  note: 'string',
  email: 'string',
  total: 'double',
  tax: 'double',
  weight: 'double',
  number: 'int',
  count: 'int',
  items: 'int',
  at: 'long',
  due: 'long',
  version: 'int',
  paid: 'boolean',
  gift: 'boolean',
  street: 'string',
  city: 'string',
  zip: 'string',
};
const NAMES = Object.entries(FIELDS);
const PROTO_TYPES = {
  string: 'string',
  double: 'double',
  int: 'int32',
  long: 'int64',
  boolean: 'bool',
};

const encoder = new TextEncoder();

/** @param {number} n */
function order(n) {
  return {
    id: `order-${n}`,
    customer: `customer-${n % 10_000}`,
    state: ['NEW', 'PAID', 'SENT'][n % 3] ?? '',
    currency: 'EUR',
    note: 'x'.repeat(30),
    email: `someone${n}@example.com`,
    total: 12.5 + (n % 500),
    tax: Math.round(19 * (n % 500)) / 100,
    weight: 1.25,
    number: n,
    count: (n % 7) + 1,
    items: (n % 3) + 1,
    at: 1_700_000_000_000 + n,
    due: 1_700_000_000_000 + 3 * n,
    version: 3,
    paid: true,
    gift: n % 2 === 0,
    street: 'Some street 5',
    city: 'Berlin',
    zip: '10115',
  };
}

/** @param {number} value */
function varint(value) {
  const bytes = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return [...bytes, rest];
}

/** @param {number} value */
function double(value) {
  return [...new Uint8Array(new Float64Array([value]).buffer)];
}

/** @param {number} n */
function avro(n) {
  return Object.entries(order(n)).flatMap(([name, value]) => {
    if (typeof value === 'string') return [...varint(2 * value.length), ...encoder.encode(value)];
    if (typeof value === 'boolean') return [Number(value)];
    return FIELDS[name] === 'double' ? double(value) : varint(2 * value);
  });
}

/** @param {number} n */
function protobuf(n) {
  const fields = Object.entries(order(n)).flatMap(([name, value], i) => {
    const tag = (/** @type {number} */ wire) => varint(((i + 1) << 3) | wire);
    if (typeof value === 'string') {
      return [...tag(2), ...varint(value.length), ...encoder.encode(value)];
    }
    if (typeof value === 'boolean') return value ? [...tag(0), 1] : [];
    if (FIELDS[name] === 'double') return [...tag(1), ...double(value)];
    return [...tag(0), ...varint(value)];
  });
  // The first message of its file.
  return [0, ...fields];
}

/** @param {number} n */
function json(n) {
  return [...encoder.encode(JSON.stringify(order(n)))];
}

/** @typedef {{ name: string, id: number, answer: { schemaType?: string, schema: string }, value: (n: number) => Uint8Array }} Kind */

/** @param {number} id @param {(n: number) => number[]} bytes */
const withId = (id, bytes) => (/** @type {number} */ n) =>
  Uint8Array.from([0, 0, 0, 0, id, ...bytes(n)]);

/** @type {readonly Kind[]} */
export const KINDS = [
  {
    name: 'Avro',
    id: 1,
    answer: {
      schema: JSON.stringify({
        type: 'record',
        name: 'Order',
        fields: NAMES.map(([name, type]) => ({ name, type })),
      }),
    },
    value: withId(1, avro),
  },
  {
    name: 'Protobuf',
    id: 2,
    answer: {
      schemaType: 'PROTOBUF',
      schema: `syntax = "proto3"; message Order {
        ${NAMES.map(([name, type], i) => `${PROTO_TYPES[type]} ${name} = ${i + 1};`).join('\n')} }`,
    },
    value: withId(2, protobuf),
  },
  {
    name: 'JSON Schema',
    id: 3,
    answer: { schemaType: 'JSON', schema: '{"type":"object"}' },
    value: withId(3, json),
  },
];

/** The same as JSON that nothing has to be made of. @param {number} n */
export function plainOrder(n) {
  return Uint8Array.from(json(n));
}
