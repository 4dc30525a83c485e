import { describe, expect, test } from '@jest/globals';
import { parsePath, segmentsOf } from './path_pattern.ts';
import { PathTree } from './path_tree.ts';

function tree(...paths: string[]): PathTree<string> {
  const made = new PathTree<string>();
  for (const path of paths) made.set(parsePath(path), path);
  return made;
}

function find(paths: PathTree<string>, pathname: string) {
  const segments = segmentsOf(pathname);
  return segments === null ? null : paths.find(segments);
}

describe('PathTree.find()', () => {
  const paths = tree('/a', '/a/', '/{x}', '/a/{x}', '/{x}/b', '/a/b/{y}', '/{x}/{y}/c', '/d/{x}/e');

  test.each([
    ['/a', '/a', {}],
    ['/a/', '/a/', {}],
    ['/b', '/{x}', { x: 'b' }],
    // From the left the first literal wins.
    ['/a/b', '/a/{x}', { x: 'b' }],
    ['/z/b', '/{x}/b', { x: 'z' }],
    ['/a/b/c', '/a/b/{y}', { y: 'c' }],
    // A literal that leads nowhere gives way.
    ['/a/z/c', '/{x}/{y}/c', { x: 'a', y: 'z' }],
    ['/d/z/c', '/{x}/{y}/c', { x: 'd', y: 'z' }],
    ['/d/z/e', '/d/{x}/e', { x: 'z' }],
    // Each segment is decoded once, and an encoded slash does not part.
    ['/%61', '/a', {}],
    ['/a%2Fb', '/{x}', { x: 'a/b' }],
    ['/%2561', '/{x}', { x: '%61' }],
    ['/%C3%A4', '/{x}', { x: 'ä' }],
    ['/__proto__', '/{x}', { x: '__proto__' }],
  ])('leads %s to %s', (pathname, value, params) => {
    expect(find(paths, pathname)).toEqual({ value, params });
  });

  test.each(['/', '//b', '/a/b/', '/z/', '/a/b/c/d', '/%ff', '/a%', '/A/B/C/D'])(
    'leads %s nowhere',
    (pathname) => {
      expect(find(paths, pathname)).toBeNull();
    },
  );

  test('is as fast for a path that fits nothing', () => {
    const names = 'abcdefghijklmnop'.split('');
    const wide = tree(...names.flatMap((name) => [`/${name}/{x}/{y}/z`, `/{x}/${name}/{y}/z`]));
    expect(find(wide, `/a${'/a'.repeat(5000)}`)).toBeNull();
  });
});
