import type { z } from 'zod';
import type { ErrorParts } from '../contracts/errors.ts';
import { nearest } from '../contracts/nearest.ts';
import type { JsonTree, KeyPath } from './json-tree.ts';
import { isObject, showPath, valueAt } from './json-tree.ts';
import { homeOfKey, knownKeys, schemaAt } from './schema-walk.ts';

type Issue = z.core.$ZodIssue;

/** What an issue is told with. */
export interface IssueContext {
  readonly schema: z.core.$ZodType;
  /** The tree that was checked, with the values of variables. */
  readonly tree: JsonTree;
  /** The variables that gave the value at a path, such as `${PORT}`; empty for a value written in the file. */
  referencesAt(path: KeyPath): readonly string[];
  /** What the file is, for a problem with the whole of it: `the job file`. */
  readonly subject: string;
}

/** One thing wrong with a tree, at the key or at the value of a path. */
export interface Finding extends ErrorParts {
  readonly path: KeyPath;
  readonly at: 'key' | 'value';
}

const KIND_WORDS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'a mapping of keys to values',
  record: 'a mapping of names to values',
  array: 'a list',
};

/** Keys whose values are secrets, even when they stand in the file as they are. */
const SECRET_KEYS = new Set([
  'connection',
  'key',
  'token',
  'credential',
  'password',
  'secret_access_key',
  'session_token',
]);

const MAX_SHOWN = 60;
const MAX_LISTED = 40;

/** The findings of one zod issue: one for each unknown key, and of a union those of the branch that was meant. */
export function describeIssue(issue: Issue, context: IssueContext, prefix: KeyPath = []): Finding[] {
  const path = [...prefix, ...issue.path.filter((key) => typeof key !== 'symbol')];
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownKey(path, key, context));
    case 'invalid_union':
      return describeUnion(issue, path, context);
    case 'invalid_key':
      return [valueFinding(path, 'a name that is not empty as the key', context)];
    case 'invalid_element':
      return issue.issues.flatMap((inner) => describeIssue(inner, context, path));
    default:
      return [valueFinding(path, expectedOf(issue), context, allowedOf(issue))];
  }
}

function unknownKey(path: KeyPath, key: string, context: IssueContext): Finding {
  const known = knownKeys(schemaAt(context.schema, context.tree, path));
  const near = nearest(key, known);
  const home = near === undefined ? homeOfKey(context.schema, key) : undefined;
  const place = path.length === 0 ? context.subject : showPath(path);
  let next = 'remove it or correct its spelling';
  if (near !== undefined) next = `write "${near}" instead`;
  else if (home) next = home.length > 0 ? `move it under "${showPath(home)}"` : 'move it to the top level';
  return {
    path: [...path, key],
    at: 'key',
    received: `${place} has the unknown key ${show(key)}`,
    expected: oneOf(known),
    next,
  };
}

function describeUnion(issue: Issue & { code: 'invalid_union' }, path: KeyPath, context: IssueContext): Finding[] {
  if ('options' in issue && Array.isArray(issue.options)) {
    const allowed = issue.options.map(String);
    return [valueFinding(path, oneOf(allowed), context, allowed)];
  }
  const meant = issue.errors.filter((branch) => !branch.some((i) => i.code === 'invalid_type' && i.path.length === 0));
  const [only] = meant;
  if (meant.length === 1 && only) return only.flatMap((inner) => describeIssue(inner, context, path));
  const kinds = issue.errors.flatMap((branch) => branch.filter((i) => i.path.length === 0).map(expectedOf));
  return [valueFinding(path, [...new Set(kinds)].join(' or '), context)];
}

function expectedOf(issue: Issue): string {
  const isPlain = issue.code === 'invalid_type' && issue.message.startsWith('Invalid input');
  if (isPlain) return KIND_WORDS[issue.expected] ?? `a value of type ${issue.expected}`;
  if (issue.code === 'invalid_value') return oneOf(issue.values.map(String));
  // Every other check of the schemas has a text of its own: what is expected, as a clause.
  return issue.message;
}

function allowedOf(issue: Issue): string[] {
  if (issue.code === 'invalid_value') return issue.values.map(String);
  // What a check of our own would have taken.
  const allowed: unknown = issue.code === 'custom' ? issue.params?.['allowed'] : undefined;
  return Array.isArray(allowed) ? allowed.map(String) : [];
}

function valueFinding(path: KeyPath, expected: string, context: IssueContext, allowed: string[] = []): Finding {
  const place = path.length === 0 ? context.subject : showPath(path);
  const value = valueAt(context.tree, path);
  const key = path.at(-1);
  if (value === undefined) {
    const parent = path.length <= 1 ? context.subject : showPath(path.slice(0, -1));
    const received = `${parent} has no ${show(String(key))}`;
    return { path, at: 'key', received, expected: `${String(key)}: ${expected}`, next: `add "${String(key)}"` };
  }
  const references = context.referencesAt(path);
  // A whole file that is one text may be anything, a private key too.
  const hidden = isSecret(path) || (path.length === 0 && typeof value === 'string');
  const received =
    references.length > 0
      ? `the value of ${references.join(' and ')} does not fit ${place}`
      : `${place} ${hidden ? 'has a value that does not fit (not shown)' : describeValue(value)}`;
  return {
    path,
    at: value === null ? 'key' : 'value',
    received,
    expected,
    next: nextFor(value, expected, references, allowed),
  };
}

function nextFor(value: JsonTree, expected: string, references: readonly string[], allowed: readonly string[]): string {
  if (references.length > 0) return `set ${references.join(' and ')} to such a value`;
  if (value === null) return 'give it a value or remove the line';
  const near = typeof value === 'string' ? nearest(value, allowed) : undefined;
  if (near !== undefined) return `write ${near} instead`;
  const quotable = expected === KIND_WORDS['string'] && (typeof value === 'number' || typeof value === 'boolean');
  return quotable ? `put it in quotes: "${String(value)}"` : 'correct the value';
}

/** Whether the value at a path of a job is one that is never shown. */
export function isSecret(path: KeyPath): boolean {
  return path.some((key) => typeof key === 'string' && SECRET_KEYS.has(key));
}

function describeValue(value: JsonTree): string {
  if (value === null) return 'has no value';
  if (Array.isArray(value)) return value.length === 0 ? 'is an empty list' : 'is a list';
  if (isObject(value)) return Object.keys(value).length === 0 ? 'is an empty mapping' : 'is a mapping';
  return typeof value === 'string' ? `is the text ${show(value)}` : `is ${String(value)}`;
}

/** A text in quotes on one line, cut where it gets long. */
function show(text: string): string {
  return JSON.stringify(text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text);
}

function oneOf(words: readonly string[]): string {
  const shown = words.slice(0, MAX_LISTED).join(', ');
  return words.length === 1 ? shown : `one of ${shown}${words.length > MAX_LISTED ? ', …' : ''}`;
}
