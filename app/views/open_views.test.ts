import { describe, expect, jest, test } from '@jest/globals';
import { Filter } from './filter.ts';
import { formatByName, TEXT } from './format.ts';
import { OpenViews } from './open_views.ts';
import { PLAIN } from './view.ts';

const keys = (...values: string[]): Filter => new Filter([{ field: 'key', values }], []);
const JSON_FORMAT = formatByName('json')!;

describe('OpenViews', () => {
  test('OpenViews.open() gives one view to all who ask the same, and another in another format', () => {
    const views = new OpenViews(1);
    const first = views.open(TEXT, keys('a', 'b'), null)!;
    const second = views.open(TEXT, keys('b', 'a'), null)!;
    expect(second.view).toBe(first.view);
    expect(first.view.clients).toBe(2);
    expect(views.open(JSON_FORMAT, keys('a', 'b'), null)!.view).not.toBe(first.view);
    expect(views.open(TEXT, keys('a'), null)!.view).not.toBe(first.view);
    expect(views.size).toBe(3);
    expect(views.open(TEXT, null, null)!.view).toBe(PLAIN);
  });

  test('OpenView.letGo() lets a view go with the last who has it, each once', () => {
    const views = new OpenViews(1);
    const [first, second] = [0, 1].map(() => views.open(TEXT, keys('a'), null)!);
    first!.letGo();
    first!.letGo();
    expect(views.size).toBe(1);
    second!.letGo();
    expect(views.size).toBe(0);
    expect(views.open(TEXT, keys('a'), null)!.view).not.toBe(second!.view);
  });

  test('OpenViews.open() has room for so many shapes in each pool, and for more of those that are open', () => {
    const views = new OpenViews(2);
    const open = (pool: string, shape: string) => views.open(TEXT, keys(shape), { pool, shape });
    const [first] = [open('a', '1'), open('a', '2')];
    expect(open('a', '3')).toBeNull();
    const again = open('a', '1');
    expect(again).not.toBeNull();
    expect(open('b', '3')).not.toBeNull();
    first!.letGo();
    expect(open('a', '3')).toBeNull();
    again!.letGo();
    expect(open('a', '3')).not.toBeNull();
  });

  test('OpenViews.open() has no room for a minute where one lingers that nobody has any more', () => {
    const now = jest.spyOn(Date, 'now').mockReturnValue(0);
    const views = new OpenViews(1);
    const open = (shape: string) =>
      views.open(TEXT, keys(shape), { pool: 'a', shape, lingers: true });
    open('1')!.letGo();
    now.mockReturnValue(59_999);
    expect(open('2')).toBeNull();
    open('1')!.letGo();
    now.mockReturnValue(119_998);
    expect(open('2')).toBeNull();
    now.mockReturnValue(119_999);
    expect(open('2')).not.toBeNull();
    expect(open('1')).toBeNull();
    now.mockRestore();
  });

  test('OpenViews.open() has room for half a million constants of filters with many, and always for few', () => {
    const views = new OpenViews(1);
    const many = (of: number) => keys(...Array.from({ length: 1000 }, (_, n) => `${of} ${n}`));
    const all = Array.from({ length: 500 }, (_, of) => views.open(TEXT, many(of), null));
    expect(all).not.toContain(null);
    expect(views.open(TEXT, many(500), null)).toBeNull();
    // What is open takes no more of it, in another format neither.
    const again = [TEXT, JSON_FORMAT].map((format) => views.open(format, many(1), null));
    expect(again).not.toContain(null);
    expect(views.open(TEXT, keys(...Array(100).fill('a'), 'b'), null)).not.toBeNull();
    all[1]!.letGo();
    for (const one of again) one!.letGo();
    expect(views.open(TEXT, many(500), null)).not.toBeNull();
    expect(views.open(TEXT, many(1), null)).toBeNull();
  });
});
