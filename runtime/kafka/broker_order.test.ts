import { expect, test } from '@jest/globals';
import { BrokerOrder } from './broker_order.ts';

const [a, b, c] = [1, 2, 3].map((port) => ({ host: 'kafka', port })) as [Broker, Broker, Broker];
type Broker = { host: string; port: number };

test('BrokerOrder begins with the one that answered last, and ends with those that others named', () => {
  const order = new BrokerOrder([a, b]);
  expect(order.all).toEqual([a, b]);
  order.answered(b, [c, a]);
  expect(order.all).toEqual([b, a, c]);
});

test('BrokerOrder puts one that gave no answer last', () => {
  const order = new BrokerOrder([a, b]);
  order.failed({ ...a });
  expect(order.all).toEqual([b, a]);
  order.answered(b, [a, c]);
  order.failed(b);
  expect(order.all).toEqual([a, c, b]);
});
