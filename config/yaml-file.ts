import { readFile, stat } from 'node:fs/promises';
import type { Document, Node } from 'yaml';
import { isAlias, isMap, isNode, isScalar, isSeq, LineCounter, parseAllDocuments } from 'yaml';
import type { ErrorCode } from '../contracts/errors.ts';
import { hasErrnoCode } from '../contracts/errors.ts';
import type { JsonTree, KeyPath } from './json-tree.ts';
import type { Position, Problem } from './problem.ts';
import { FILE_START, problem } from './problem.ts';
import { yamlErrorParts } from './yaml-problems.ts';
import { syntaxFindings } from './yaml-syntax.ts';

/** Which codes the problems of a file carry: a job file's or a contract's. */
export interface FileCodes {
  readonly unreadable: ErrorCode;
  readonly syntax: ErrorCode;
  readonly invalid: ErrorCode;
}

/** A YAML file as plain data that still knows where each key stands. */
export interface YamlFile {
  readonly tree: JsonTree;
  /** Where a value begins; where the nearest one around it begins if there is none. */
  valuePosition(path: KeyPath): Position;
  /** Where the key of a mapping's entry begins; for an item of a list, where the item begins. */
  keyPosition(path: KeyPath): Position;
}

export interface YamlResult {
  /** Absent when the file has no usable content. */
  readonly yaml?: YamlFile;
  readonly problems: readonly Problem[];
}

const MAX_BYTES = 1_048_576;
const MAX_ALIASES = 100;

/** Reads one YAML 1.2 document of at most 1 MiB. `file` is used in messages as it is given. */
export async function readYamlFile(file: string, path: string, kind: string, codes: FileCodes): Promise<YamlResult> {
  const read = await readText(file, path, kind, codes);
  return 'problem' in read ? { problems: [read.problem] } : parseYaml(file, read.text, kind, codes);
}

async function readText(file: string, path: string, kind: string, codes: FileCodes) {
  const refuse = (received: string, next: string) => ({
    problem: problem(file, FILE_START, codes.unreadable, { received, expected: `a readable ${kind} (YAML)`, next }),
  });
  try {
    const { size } = await stat(path);
    if (size > MAX_BYTES) return refuse(`${file} is larger than 1 MiB`, `check that it is a ${kind} and not data`);
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path)) };
  } catch (error) {
    if (!hasErrnoCode(error)) throw error;
    const reason = REASON_OF_CODE[error.code] ?? REASON_OF_CODE['EIO'];
    return refuse(`${file} ${reason?.[0]}`, reason?.[1] ?? '');
  }
}

const REASON_OF_CODE: Readonly<Record<string, readonly [received: string, next: string]>> = {
  ENOENT: ['does not exist', 'check its path'],
  ENOTDIR: ['does not exist: a part of its path is a file', 'check its path'],
  EISDIR: ['is a folder', 'name a file inside it'],
  EACCES: ['may not be read by this user', 'change its permissions'],
  ERR_ENCODING_INVALID_ENCODED_DATA: ['is not UTF-8 text', 'save it as UTF-8'],
  EIO: ['cannot be read', 'check the file and the disk'],
};

/** Parses the text of a YAML file. A file with syntax errors has no content, but for keys that stand there twice. */
export function parseYaml(file: string, text: string, kind: string, codes: FileCodes): YamlResult {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, stringKeys: true, merge: true });
  const [document, second] = documents;
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const { findings, broken } = syntaxFindings(documents, text);
  const problems = findings.map(({ offset, parts }): Problem => problem(file, at(offset), codes.syntax, parts));
  if (second !== undefined && second.contents !== null && 'range' in second) {
    problems.push(problem(file, at(second.range?.[0] ?? 0), codes.syntax, yamlErrorParts('MULTIPLE_DOCS')));
  }
  if (broken) return { problems };
  const content = document?.contents ?? null;
  if (document === undefined || !isNode(content) || (isScalar(content) && content.value === null)) {
    return {
      problems: [
        ...problems,
        problem(file, FILE_START, codes.invalid, {
          received: `${file} is empty`,
          expected: `a ${kind} with "key: value" lines`,
          next: 'write at least the keys that have no default',
        }),
      ],
    };
  }
  const tree = toTree(document);
  if (tree === undefined) {
    return { problems: [...problems, problem(file, FILE_START, codes.syntax, yamlErrorParts('RESOURCE_EXHAUSTION'))] };
  }
  return { problems, yaml: withPositions(document, tree, at) };
}

function toTree(document: Document): JsonTree | undefined {
  try {
    const tree: unknown = document.toJS({ maxAliasCount: MAX_ALIASES });
    return isJson(tree) ? tree : undefined;
  } catch (error) {
    // The only thing that a document without errors throws here: aliases that unfold to too much.
    if (error instanceof ReferenceError) return undefined;
    throw error;
  }
}

/**
 * `.nan` and `.inf` are numbers to JavaScript; each schema refuses them by itself. A value that an alias puts into itself
 * never ends, and is none; `around` are the values that this one is in.
 */
function isJson(value: unknown, around: readonly object[] = []): value is JsonTree {
  if (value === null || ['string', 'number', 'boolean'].includes(typeof value)) return true;
  if (typeof value !== 'object' || around.includes(value)) return false;
  const inside = [...around, value];
  return Object.values(value).every((part) => isJson(part, inside));
}

function withPositions(document: Document, tree: JsonTree, at: (offset: number) => Position): YamlFile {
  const start = (node: unknown) => (isNode(node) ? node.range?.[0] : undefined);
  const find = (path: KeyPath): { key: number | undefined; value: number | undefined } => {
    let node: unknown = document.contents;
    let key: number | undefined;
    let value = start(node);
    for (const step of path) {
      const target: Node | undefined = resolveAlias(document, node);
      if (isMap(target)) {
        const pair = target.items.find((item) => isScalar(item.key) && String(item.key.value) === String(step));
        if (!pair) return { key: key ?? value, value: key ?? value };
        key = start(pair.key);
        node = pair.value;
      } else if (isSeq(target)) {
        node = target.items[Number(step)];
        key = start(node);
      } else return { key: key ?? value, value: key ?? value };
      value = start(node) ?? key;
    }
    return { key: key ?? value, value };
  };
  return {
    tree,
    valuePosition: (path) => at(find(path).value ?? 0),
    keyPosition: (path) => at(find(path).key ?? 0),
  };
}

function resolveAlias(document: Document, node: unknown): Node | undefined {
  if (isAlias(node)) return node.resolve(document);
  return isNode(node) ? node : undefined;
}
