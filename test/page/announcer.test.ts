import { describe, expect, test } from '@jest/globals';
import { Announcer } from '../../public/page/announcer.js';

describe('Announcer', () => {
  test('tells a state at once and a count every 10 s at most, each once', () => {
    const told: string[] = [];
    const region = {
      set textContent(words: string) {
        told.push(words);
      },
    };
    const announcer = new Announcer(region as HTMLElement);
    announcer.tellState('Connecting');
    announcer.tellState('Live');
    announcer.tellState('Live');
    for (let now = 10_000; now <= 30_000; now += 500) announcer.tellCount(now / 500, now);
    announcer.tellCount(60, 60_000);
    expect(told).toEqual([
      'Connecting',
      'Live',
      'Live, 20 records',
      'Live, 40 records',
      'Live, 60 records',
    ]);
  });
});
