import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { CLONE } from '../../runtime/embedded_kafka/clone.ts';

/** A fenced block of a page. */
export interface CodeBlock {
  /** What stands behind the fence: `bash`, `text`, `js` … */
  readonly language: string;
  readonly text: string;
  /** What stands between the block before it, or the top, and it. */
  readonly prose: string;
}

/** A page of the documentation. */
export class Page {
  /** Its path in the clone. */
  readonly path: string;
  readonly text: string;

  constructor(path: string) {
    this.path = path;
    this.text = readFileSync(join(CLONE, path), 'utf8');
  }

  get blocks(): CodeBlock[] {
    return [...this.text.matchAll(/(.*?)^```(\w*)\n(.*?)^```$/gms)].map(
      ([, prose, language, text]) => ({ prose: prose!, language: language!, text: text! }),
    );
  }

  /** The text without its blocks. */
  get prose(): string {
    return this.text.replaceAll(/^```.*?^```$/gms, '');
  }

  /** Where its links lead that stay in the clone: a path in the clone, and an anchor or ''. */
  get links(): { path: string; anchor: string }[] {
    return [...this.prose.matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, target]) => target!)
      .filter((target) => !/^[a-z]+:/.test(target))
      .map((target) => {
        const [path = '', anchor = ''] = target.split('#');
        const here = join(CLONE, dirname(this.path), path);
        return { path: path === '' ? this.path : relative(CLONE, here), anchor };
      });
  }

  /** The anchors of its headings, as GitHub makes them. */
  get anchors(): string[] {
    return [...this.prose.matchAll(/^#+ (.+)$/gm)].map(([, title]) =>
      title!
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    );
  }
}

/** Each a folder, with a page of its own. */
const EXAMPLES = readdirSync(join(CLONE, 'examples'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => `examples/${name}/README.md`);

/** All pages, those in folders of the clone too. */
export const PAGES: readonly Page[] = [
  ...['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'sse_cat/README.md', 'examples/README.md'],
  ...EXAMPLES,
  ...readdirSync(join(CLONE, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
].map((path) => new Page(path));
