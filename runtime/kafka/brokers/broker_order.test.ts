import { afterEach, expect, jest, test } from '@jest/globals';
import { Logged } from '../../../test/support/logged.ts';
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

test('BrokerOrder logs who is lost and who is back, by name, once each', () => {
  using logged = new Logged();
  const order = new BrokerOrder([a, b]);
  order.connected(a);
  for (const broker of [b, b]) order.unreachable(broker, 'ECONNREFUSED');
  for (const broker of [a, b, b]) order.connected(broker);
  expect(logged.lines).toEqual([
    'info No connection to broker kafka:2: ECONNREFUSED',
    'info Connected to broker kafka:2 again',
  ]);
});

afterEach(() => {
  jest.useRealTimers();
});

/** Brokers of which those in `silent` never answer, and those in `broken` fail. */
function asking(order: BrokerOrder, silent: Broker[], broken: Broker[] = []) {
  const asked: number[] = [];
  const answer = order.ask(({ port }) => {
    asked.push(port);
    if (silent.some((one) => one.port === port)) return new Promise<number>(() => {});
    if (broken.some((one) => one.port === port)) return Promise.reject(new Error(`down ${port}`));
    return Promise.resolve(port);
  });
  return { asked, answer };
}

test('BrokerOrder.ask() asks the next one after a second of silence, and all the others at once after failures', async () => {
  jest.useFakeTimers();
  const { asked, answer } = asking(new BrokerOrder([a, b, c]), [a, b]);
  expect(asked).toEqual([1]);
  await jest.advanceTimersByTimeAsync(999);
  expect(asked).toEqual([1]);
  await jest.advanceTimersByTimeAsync(1);
  expect(asked).toEqual([1, 2]);
  await jest.advanceTimersByTimeAsync(1000);
  await expect(answer).resolves.toBe(3);
  expect(jest.getTimerCount()).toBe(0);

  const order = new BrokerOrder([a, b, c]);
  const second = asking(order, [], [a, b]);
  await expect(second.answer).resolves.toBe(3);
  expect(second.asked).toEqual([1, 2, 3]);
  expect(order.all).toEqual([c, a, b]);
});

test('BrokerOrder.ask() takes a late answer, and tells the errors of all where there is none', async () => {
  jest.useFakeTimers();
  let late!: (answer: string) => void;
  const answer = new BrokerOrder([a, b]).ask((broker) => {
    if (broker.port === 2) return Promise.reject(new Error('down'));
    return new Promise<string>((resolve) => {
      late = resolve;
    });
  });
  await jest.advanceTimersByTimeAsync(2000);
  late('late');
  await expect(answer).resolves.toBe('late');

  const none = asking(new BrokerOrder([a, b]), [], [a, b]).answer;
  await expect(none).rejects.toMatchObject({ errors: [new Error('down 1'), new Error('down 2')] });
  expect(jest.getTimerCount()).toBe(0);
});

test('BrokerOrder.best is the one that answered, until it does not', () => {
  const order = new BrokerOrder([a, b]);
  expect(order.best).toEqual([a, b]);
  order.answered(b, [c]);
  expect(order.best).toEqual([b]);
  order.failed(a);
  expect(order.best).toEqual([b]);
  order.failed(b);
  expect(order.best).toEqual([c, a, b]);
});

test('BrokerOrder.of() is the same for all clients of a connection', () => {
  const connection = { brokers: ['kafka:1', '[::1]:2'], tls: null, rack: null, sasl: null };
  expect(BrokerOrder.of(connection)).toBe(BrokerOrder.of(connection));
  expect(BrokerOrder.of(connection).all).toEqual([a, { host: '::1', port: 2 }]);
  expect(BrokerOrder.of({ ...connection })).not.toBe(BrokerOrder.of(connection));
});
