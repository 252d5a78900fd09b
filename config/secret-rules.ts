import { isWrittenOut, secretsIn } from './interpolate.ts';
import type { JsonObject, KeyPath } from './json-tree.ts';
import { mapLeaves, showPath, valueAt } from './json-tree.ts';
import type { RuleFinding } from './rule-finding.ts';

/** Keys whose values must never stand in a job file: it is stored beside the lake, and parts of it go through Temporal. */
const SECRETS: readonly KeyPath[] = [
  ['target', 'storage', 'secret_access_key'],
  ['target', 'storage', 'session_token'],
  ['target', 'catalog', 'token'],
  ['target', 'catalog', 'credential'],
  ['source', 'storage', 'secret_access_key'],
  ['source', 'storage', 'session_token'],
];

/** An address may hold a password: `postgresql://user:password@host/database`. */
const ADDRESSES: readonly KeyPath[] = [
  ['target', 'catalog', 'uri'],
  ['source', 'connection'],
];
const PASSWORD = /^[a-z][a-z0-9+.-]*:\/\/[^/@]*:([^/@]+)@/i;

/** Where a secret out of a store can stand: what is used inside of activities and goes no further. */
const PLACES: readonly KeyPath[] = [
  ['source', 'connection'],
  ['source', 'storage'],
  ['target', 'storage'],
  ['target', 'catalog'],
];

/** A secret is given by a variable or a file, without a default. Messages never hold the value. */
export function secretRules(written: JsonObject): RuleFinding[] {
  const whole = SECRETS.flatMap((path) => {
    const value = valueAt(written, path);
    if (typeof value !== 'string' || !isWrittenOut(value)) return [];
    return [writtenOut(path, showPath(path), String(path.at(-1)).toUpperCase())];
  });
  const within = ADDRESSES.flatMap((path) => {
    const value = valueAt(written, path);
    const password = typeof value === 'string' ? PASSWORD.exec(value)?.[1] : undefined;
    if (password === undefined || !isWrittenOut(password)) return [];
    return [writtenOut(path, `the password in ${showPath(path)}`, 'PASSWORD')];
  });
  return [...whole, ...within, ...misplaced(written)];
}

/** Names and paths go into ids, into Temporal and beside the lake; other settings are resolved where nothing is secret. */
function misplaced(written: JsonObject): RuleFinding[] {
  const findings: RuleFinding[] = [];
  mapLeaves(written, (leaf, path) => {
    const isPlaced = PLACES.some((place) => place.every((key, index) => path[index] === key));
    if (isPlaced || typeof leaf !== 'string' || secretsIn(leaf).length === 0) return leaf;
    findings.push({
      path,
      at: 'value',
      code: 'JOB_FILE_INVALID',
      received: `${showPath(path)} takes its value from a store of secrets`,
      expected: `a secret only in ${PLACES.map(showPath).join(', ')}`,
      next: 'use a variable or a file in its place',
    });
    return leaf;
  });
  return findings;
}

function writtenOut(path: KeyPath, what: string, variable: string): RuleFinding {
  return {
    path,
    at: 'value',
    code: 'JOB_FILE_INVALID',
    received: `${what} is written out in the file (not shown)`,
    expected: 'a variable or a file that holds it',
    next: `write $\{${variable}} or $\{file:path}, and put the secret there`,
  };
}
