import { basename, extname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { escapeTemplate, hasTemplate } from './interpolate.ts';
import type { JsonObject, JsonTree } from './json-tree.ts';
import { isObject } from './json-tree.ts';

const URL_SCHEME = /^[a-z][a-z0-9+.-]*:\/\//i;
const SQLITE_URL = /^sqlite:\/\/\//i;

/** True for an address such as `s3://bucket/prefix`; false for a path on this machine, `file://` included. */
export function isRemote(location: string): boolean {
  return URL_SCHEME.test(location) && !/^file:/i.test(location) && !SQLITE_URL.test(location);
}

/**
 * A location as an absolute path; an address of another machine stays as it is. `sqlite:///` is how other Iceberg
 * readers write the path of an embedded catalog.
 */
export function absoluteLocation(location: string, folder: string): string {
  if (isRemote(location)) return location;
  if (/^file:/i.test(location)) return fileURLToPath(location);
  return resolve(folder, location.replace(SQLITE_URL, ''));
}

/** A copy of a job with its paths absolute. A path that holds a `${…}` stays: what it stands for is not known yet. */
export function absolutePaths(job: JsonObject, folder: string): JsonObject {
  const absolute = (value: JsonTree) =>
    typeof value === 'string' && !hasTemplate(value) ? escapeTemplate(absoluteLocation(value, folder)) : value;
  const change = (tree: JsonObject, keys: readonly string[]): JsonObject => {
    const [key = '', ...rest] = keys;
    const value = tree[key];
    if (value === undefined) return tree;
    if (rest.length > 0) return isObject(value) ? { ...tree, [key]: change(value, rest) } : tree;
    return { ...tree, [key]: Array.isArray(value) ? value.map(absolute) : absolute(value) };
  };
  return PATH_KEYS.reduce((tree, keys) => change(tree, keys), job);
}

const PATH_KEYS = [['asset_path'], ['source', 'path'], ['target', 'warehouse'], ['target', 'catalog', 'uri']] as const;

/** The base name of a job file in snake case: `Daily Orders.v2.yaml` → `daily_orders_v2`. */
export function assetFromFile(file: string): string {
  return basename(file, extname(file))
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '')
    .toLowerCase();
}
