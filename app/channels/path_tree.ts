import type { Segment } from './path_pattern.ts';

/** What a path leads to, and what stood in the place of its parameters. */
export interface Found<T> {
  readonly value: T;
  readonly params: Readonly<Record<string, string>>;
}

interface Leaf<T> {
  readonly value: T;
  readonly names: readonly string[];
}

class Node<T> {
  readonly literals = new Map<string, Node<T>>();
  parameter: Node<T> | null = null;
  leaf: Leaf<T> | null = null;
}

/** Values by paths with parameters: where several fit, from the left the first literal wins. */
export class PathTree<T> {
  readonly #root = new Node<T>();

  /** In the place of what is there for the same paths. */
  set(segments: readonly Segment[], value: T): void {
    let node = this.#root;
    const names: string[] = [];
    for (const segment of segments) {
      if ('parameter' in segment) {
        names.push(segment.parameter);
        node.parameter ??= new Node();
        node = node.parameter;
      } else {
        const next: Node<T> = node.literals.get(segment.literal) ?? new Node();
        node.literals.set(segment.literal, next);
        node = next;
      }
    }
    node.leaf = { value, names };
  }

  find(segments: readonly string[]): Found<T> | null {
    const taken: string[] = [];
    const leaf = walk(this.#root, segments, 0, taken);
    if (leaf === null) return null;
    const params = Object.fromEntries(leaf.names.map((name, at) => [name, taken[at]!]));
    return { value: leaf.value, params };
  }
}

/** Each node is looked at once at most, however the path is made. */
function walk<T>(
  node: Node<T>,
  segments: readonly string[],
  at: number,
  taken: string[],
): Leaf<T> | null {
  const segment = segments[at];
  if (segment === undefined) return node.leaf;
  const literal = node.literals.get(segment);
  const byLiteral = literal === undefined ? null : walk(literal, segments, at + 1, taken);
  if (byLiteral !== null || node.parameter === null || segment === '') return byLiteral;
  taken.push(segment);
  const byParameter = walk(node.parameter, segments, at + 1, taken);
  if (byParameter === null) taken.pop();
  return byParameter;
}
