import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { CLONE } from '../../runtime/embedded_kafka/clone.ts';
import { PAGES, Page } from './pages.ts';

describe('the links of', () => {
  test.each(PAGES.map((page) => [page.path, page] as const))('%s lead somewhere', (_, page) => {
    for (const { path, anchor } of page.links) {
      expect([path, existsSync(join(CLONE, path))]).toEqual([path, true]);
      if (anchor === '') continue;
      expect([path, new Page(path).anchors]).toEqual([path, expect.arrayContaining([anchor])]);
    }
  });

  test.each(['docs', 'examples'])('%s/README.md lead to every page below it', (folder) => {
    const index = `${folder}/README.md`;
    const linked = new Page(index).links.map(({ path }) => path);
    const pages = PAGES.map(({ path }) => path).filter((path) => path.startsWith(`${folder}/`));
    expect(linked).toEqual(expect.arrayContaining(pages.filter((path) => path !== index)));
  });
});
