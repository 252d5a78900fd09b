import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { ErrorCode, ErrorParts } from '../contracts/errors.ts';
import type { SecretReference } from '../contracts/secret.ts';
import { secretName } from '../contracts/secret.ts';
import type { JsonTree, KeyPath } from './json-tree.ts';
import { mapLeaves, showPath } from './json-tree.ts';
import { namesSecretStore, parseSecretReference, SECRET_FORMS } from './secret-reference.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Where `${…}` finds its values. */
export interface VariableScope {
  readonly env: Environment;
  /** `${file:path}` is relative to it: the folder of the job file. */
  readonly baseFolder: string;
  /** Values of secrets that were read from their stores, by name (see `secretName`). */
  readonly secrets?: SecretValues;
}

export type SecretValues = Readonly<Pick<ReadonlyMap<string, string>, 'get'>>;

/** A `${…}` without a value. Names variables and files, never what they hold. */
export interface Unresolved extends ErrorParts {
  readonly path: KeyPath;
  readonly code: ErrorCode;
}

type Part =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'variable'; readonly name: string; readonly fallback: string | undefined }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'secret'; readonly reference: SecretReference }
  | { readonly kind: 'malformed' };

/** In order: the escape `$${`, a `${…}` that ends, one that does not end. */
const PLACEHOLDER = /\$\$\{|\$\{([^}]*)\}|\$\{/g;
const VARIABLE = /^([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s;
const FILE = /^file:(.+)$/s;

/** True when the text holds `${`, be it a variable or its escape, and so is not yet what it stands for. */
export function hasTemplate(text: string): boolean {
  return text.includes('${');
}

/** A text that resolves to `text` whatever it holds. */
export function escapeTemplate(text: string): string {
  return text.replaceAll('${', () => '$${');
}

/** True when a value, or a part or default of it, stands in the text itself instead of where its variables are set. */
export function isWrittenOut(text: string): boolean {
  const parts = parseTemplate(text);
  return parts.every(({ kind }) => kind === 'text') || parts.some((part) => part.kind === 'variable' && part.fallback);
}

function parseTemplate(text: string): Part[] {
  const parts: Part[] = [];
  let end = 0;
  for (const match of text.matchAll(PLACEHOLDER)) {
    if (match.index > end) parts.push({ kind: 'text', text: text.slice(end, match.index) });
    parts.push(match[0] === '$${' ? { kind: 'text', text: '${' } : parseReference(match[1]));
    end = match.index + match[0].length;
  }
  if (end < text.length) parts.push({ kind: 'text', text: text.slice(end) });
  return parts;
}

function parseReference(inner: string | undefined): Part {
  const variable = VARIABLE.exec(inner ?? '');
  if (variable) return { kind: 'variable', name: variable[1] ?? '', fallback: variable[2] };
  if (namesSecretStore(inner ?? '')) {
    const reference = parseSecretReference(inner ?? '');
    return reference ? { kind: 'secret', reference } : { kind: 'malformed' };
  }
  const file = FILE.exec(inner ?? '');
  return file ? { kind: 'file', path: file[1] ?? '' } : { kind: 'malformed' };
}

/** What a text refers to, by name: `${PG_URL}`, `${file:token.txt}`, `${vault:secret/data/db#password}`. */
export function referencesIn(text: string): string[] {
  return parseTemplate(text).flatMap((part) => {
    if (part.kind === 'variable') return [`\${${part.name}}`];
    if (part.kind === 'secret') return [`\${${secretName(part.reference)}}`];
    return part.kind === 'file' ? [`\${file:${part.path}}`] : [];
  });
}

/** The secrets that the texts of a tree refer to, each once. */
export function secretsIn(tree: JsonTree): SecretReference[] {
  const found = new Map<string, SecretReference>();
  mapLeaves(tree, (leaf) => {
    if (typeof leaf !== 'string') return leaf;
    for (const part of parseTemplate(leaf)) {
      if (part.kind === 'secret') found.set(secretName(part.reference), part.reference);
    }
    return leaf;
  });
  return [...found.values()];
}

/** True when what a text of a tree stands for can change while a process runs: a variable of its environment cannot. */
export function canChange(tree: JsonTree): boolean {
  let found = false;
  mapLeaves(tree, (leaf) => {
    const parts = typeof leaf === 'string' ? parseTemplate(leaf) : [];
    found ||= parts.some(({ kind }) => kind === 'file' || kind === 'secret');
    return leaf;
  });
  return found;
}

/**
 * A copy of the tree with `${VAR}`, `${VAR:-default}`, `${file:path}` and references to secrets that were read in its
 * texts replaced (one trailing line break of a file is left out; `$${` stands for `${`). As in a shell, the default
 * also stands in for an empty variable. A text with a reference that has no value stays as it is and is listed in
 * `unresolved`.
 */
export function resolveVariables(
  tree: JsonTree,
  scope: VariableScope,
): { readonly tree: JsonTree; readonly unresolved: readonly Unresolved[] } {
  const unresolved: Unresolved[] = [];
  const resolved = mapLeaves(tree, (leaf, path) => {
    if (typeof leaf !== 'string' || !hasTemplate(leaf)) return leaf;
    const missing: Unresolved[] = [];
    const text = parseTemplate(leaf)
      .map((part) => resolvePart(part, path, scope, missing))
      .join('');
    unresolved.push(...missing);
    return missing.length === 0 ? text : leaf;
  });
  return { tree: resolved, unresolved };
}

function resolvePart(part: Part, path: KeyPath, scope: VariableScope, missing: Unresolved[]): string {
  switch (part.kind) {
    case 'text':
      return part.text;
    case 'variable': {
      const value = Object.hasOwn(scope.env, part.name) ? scope.env[part.name] : undefined;
      if (value !== undefined && (value !== '' || part.fallback === undefined)) return value;
      if (part.fallback === undefined) missing.push(unsetVariable(part.name, path));
      return part.fallback ?? '';
    }
    case 'file':
      try {
        return readFileSync(resolve(scope.baseFolder, part.path), 'utf8').replace(/\r?\n$/, '');
      } catch {
        missing.push(unreadableFile(part.path, path));
        return '';
      }
    case 'secret': {
      const name = secretName(part.reference);
      const value = scope.secrets?.get(name);
      if (value === undefined) missing.push(unreadSecret(name, path));
      return value ?? '';
    }
    case 'malformed':
      missing.push(malformed(path));
      return '';
  }
}

function unsetVariable(name: string, path: KeyPath): Unresolved {
  return {
    path,
    code: 'VARIABLE_UNSET',
    received: `the variable ${name}, which ${showPath(path)} uses, is not set`,
    expected: `${name} in the environment of the process that runs the job`,
    next: `set ${name}, or give it a default: \${${name}:-value}`,
  };
}

function unreadableFile(file: string, path: KeyPath): Unresolved {
  return {
    path,
    code: 'SECRET_FILE_UNREADABLE',
    received: `the file "${file}", which ${showPath(path)} uses, cannot be read`,
    expected: 'a text file, relative to the folder of the job file, that this user may read',
    next: 'create the file, correct its path or its permissions',
  };
}

/** Secrets are read where the job runs, and nowhere else. */
function unreadSecret(name: string, path: KeyPath): Unresolved {
  return {
    path,
    code: 'SECRET_NOT_FOUND',
    received: `the secret ${name}, which ${showPath(path)} uses, was not read here`,
    expected: 'a setting of a source, a catalog or a storage',
    next: 'use a variable or a file in its place',
  };
}

function malformed(path: KeyPath): Unresolved {
  return {
    path,
    code: 'JOB_FILE_INVALID',
    received: `${showPath(path)} has a "\${" that begins no variable`,
    expected: `\${NAME}, \${NAME:-default}, \${file:path}, ${SECRET_FORMS.join(' or ')}`,
    next: 'correct it, or write $${ for the two characters themselves',
  };
}
