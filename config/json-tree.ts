/** What a YAML or JSON file holds, as plain data. */
export type JsonTree = null | boolean | number | string | JsonTree[] | { [key: string]: JsonTree };
export type JsonObject = { [key: string]: JsonTree };

/** Where a value stands in a tree: `['transformations', 0, 'name']`. */
export type KeyPath = readonly (string | number)[];

export function isObject(tree: JsonTree | undefined): tree is JsonObject {
  return typeof tree === 'object' && tree !== null && !Array.isArray(tree);
}

/** The value at a path, or undefined where the tree does not go that far. */
export function valueAt(tree: JsonTree | undefined, path: KeyPath): JsonTree | undefined {
  let value = tree;
  for (const key of path) {
    if (Array.isArray(value)) value = typeof key === 'number' ? value[key] : undefined;
    else value = isObject(value) && Object.hasOwn(value, key) ? value[String(key)] : undefined;
  }
  return value;
}

/** A copy of the tree in which each leaf is what `change` makes of it. */
export function mapLeaves(
  tree: JsonTree,
  change: (leaf: string | number | boolean | null, path: KeyPath) => JsonTree,
  path: KeyPath = [],
): JsonTree {
  if (Array.isArray(tree)) return tree.map((item, index) => mapLeaves(item, change, [...path, index]));
  if (!isObject(tree)) return change(tree, path);
  const entries = Object.entries(tree).map(([key, value]) => [key, mapLeaves(value, change, [...path, key])] as const);
  return Object.fromEntries(entries);
}

/** A path in the words of a message: `transformations[0].name`. */
export function showPath(path: KeyPath): string {
  return path.map((key, index) => (typeof key === 'number' ? `[${key}]` : index === 0 ? key : `.${key}`)).join('');
}

/** JSON with sorted keys and no spaces: equal trees have equal texts, and so equal digests. */
export function canonicalJson(tree: JsonTree): string {
  if (Array.isArray(tree)) return `[${tree.map(canonicalJson).join(',')}]`;
  if (!isObject(tree)) return JSON.stringify(tree);
  const keys = Object.keys(tree).sort();
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonicalJson(tree[key] ?? null)}`).join(',')}}`;
}
