import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Random } from '../model/random.ts';
import { type Storm, simulate } from './storm.ts';

const STORM: Storm = {
  clients: 20_000,
  gateways: 20,
  lost: 1,
  maxConnections: 2000,
  connectMs: 1,
  backlog: 511,
  noticedMs: 0,
};

describe('simulate()', () => {
  // The same storm in every run: in another one the last of them may not find room in time.
  beforeEach(() => {
    const random = new Random(1);
    jest.spyOn(Math, 'random').mockImplementation(() => random.next());
  });
  afterEach(() => {
    jest.restoreAllMocks();
  });

  test('simulate() has all back with the time that streams tell, where there is room', () => {
    const { thrownOut, back, refused, dropped, busiest } = simulate(STORM);
    expect(thrownOut).toBe(1000);
    expect([refused, dropped]).toEqual([0, 0]);
    // One in 1 to 3 s, and what it waits there.
    expect(back.half).toBeGreaterThan(1500);
    expect(back.half).toBeLessThan(2500);
    expect(back.all).toBeGreaterThan(back.most);
    expect(back.all).toBeLessThan(3300);
    // 53 more each.
    expect(busiest.streams).toBeGreaterThan(1050);
    expect(busiest.streams).toBeLessThan(1100);
    expect(busiest.connectsPerSecond).toBeLessThan(60);
  });

  test('simulate() tells full gateways from those with room: some come back later', () => {
    const { refused, back, busiest } = simulate({ ...STORM, lost: 7, maxConnections: 1540 });
    expect(refused).toBeGreaterThan(0);
    expect(busiest.streams).toBe(1540);
    expect(back.half).toBeLessThan(3000);
    // After 10 to 20 s.
    expect(back.all).toBeGreaterThan(11_000);
  });

  test('simulate() drops what the kernel has no room for, and it comes again', () => {
    const { dropped, back, busiest } = simulate({
      ...STORM,
      lost: 10,
      maxConnections: 2200,
      connectMs: 10,
      backlog: 50,
    });
    expect(dropped).toBeGreaterThan(0);
    expect(back.all).toBeGreaterThan(8000);
    expect(busiest.connectsPerSecond).toBeLessThanOrEqual(101);
    expect(busiest.waitMs).toBeLessThanOrEqual(510);
  });

  test('simulate() sends some to the dead until that is noticed', () => {
    const { back } = simulate({ ...STORM, lost: 10, maxConnections: 3000, noticedMs: 5000 });
    expect(back.all).toBeGreaterThan(5000);
  });

  test('simulate() says where there is no room for all', () => {
    expect(() => simulate({ ...STORM, lost: 11 })).toThrow('no room');
  });
});
