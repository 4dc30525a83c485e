import { describe, expect, test } from '@jest/globals';
import { Subscription } from './subscription.ts';
import { Traffic } from './traffic.ts';
import { Waiting } from './waiting.ts';

/** Clients that wait, each with what is to happen once it is woken. */
function waitingFor(...wakes: (() => void)[]): { waiting: Waiting; clients: Subscription[] } {
  const waiting = new Waiting();
  const nowhere = { take: () => null, place: () => null };
  const clients = wakes.map((wake) => {
    const client = new Subscription(() => nowhere, waiting, new Traffic());
    client.wait(wake);
    return client;
  });
  return { waiting, clients };
}

function fails(): void {
  throw new Error('a client that fails');
}

describe('Waiting', () => {
  test('Waiting.wakeAll() wakes each client once, those behind one that fails, too', () => {
    const woken: string[] = [];
    const { waiting } = waitingFor(
      () => woken.push('first'),
      fails,
      () => woken.push('last'),
    );
    waiting.wakeAll();
    waiting.wakeAll();
    expect(woken).toEqual(['first', 'last']);
    expect(waiting.size).toBe(0);
  });

  test('Waiting.wakeAll() leaves those waiting who wait again meanwhile', () => {
    let turns = 0;
    const again = (): void => {
      turns++;
      clients[0]!.wait(again);
    };
    const { waiting, clients } = waitingFor(again);
    waiting.wakeAll();
    expect([turns, waiting.size]).toEqual([1, 1]);
  });

  test('Waiting.wakeAhead() wakes those alone that are ahead, those behind one that fails, too', () => {
    const woken: string[] = [];
    const { waiting, clients } = waitingFor(
      () => woken.push('behind'),
      fails,
      () => woken.push('ahead'),
    );
    for (const client of clients.slice(1)) client.isAhead = true;
    waiting.wakeAhead();
    expect(woken).toEqual(['ahead']);
    expect(waiting.size).toBe(1);
  });
});
