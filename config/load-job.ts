import { dirname, resolve } from 'node:path';
import { jobSchema } from '../contracts/job.ts';
import type { Finding, IssueContext } from './describe-issue.ts';
import { describeIssue } from './describe-issue.ts';
import type { Environment, Unresolved } from './interpolate.ts';
import type { JsonObject, KeyPath } from './json-tree.ts';
import { isObject, showPath } from './json-tree.ts';
import type { Problem } from './problem.ts';
import { problem, sortProblems } from './problem.ts';
import { resolveJob } from './resolve-job.ts';
import type { FileCodes, YamlFile } from './yaml-file.ts';
import { readYamlFile } from './yaml-file.ts';

/** A job file that is a mapping, as it was read; what its keys mean together is for `validateJob`. */
export interface JobDocument {
  /** As the user named it. */
  readonly file: string;
  /** Absolute; relative paths and `${file:…}` start here. */
  readonly folder: string;
  /** As written: `${…}` unresolved, defaults not filled in. */
  readonly tree: JsonObject;
  /** With the variables that have a value here. Holds secrets: for checks in memory only, never stored or shown. */
  readonly resolved: JsonObject;
  /** `${…}` that have no value here. */
  readonly unresolved: readonly Unresolved[];
  readonly yaml: YamlFile;
}

export interface LoadResult {
  /** Absent when the file is no mapping at all. */
  readonly document?: JobDocument;
  /** Everything that the schema refuses, in the order of the file. */
  readonly problems: readonly Problem[];
}

const CODES: FileCodes = { unreadable: 'JOB_FILE_UNREADABLE', syntax: 'JOB_FILE_SYNTAX', invalid: 'JOB_FILE_INVALID' };

/**
 * Reads a job file and holds it against the schema of all keys and values. Reports every problem at once; never
 * throws for a file that is wrong. Variables are resolved into a copy, so that `${PORT}` can be held against a
 * number; one that is unset here is accepted, because it may be set where the job runs.
 */
export async function loadJob(file: string, options: { readonly env: Environment }): Promise<LoadResult> {
  const path = resolve(file);
  const { yaml, problems } = await readYamlFile(file, path, 'job file', CODES);
  if (!yaml) return { problems };
  const folder = dirname(path);
  const { tree: resolved, unresolved, referencesAt } = resolveJob(yaml.tree, { env: options.env, baseFolder: folder });
  const isUnresolved = (at: KeyPath) => unresolved.some((u) => showPath(u.path) === showPath(at));
  const context: IssueContext = { schema: jobSchema, tree: resolved, subject: 'the job file', referencesAt };
  const issues = jobSchema.safeParse(resolved).error?.issues ?? [];
  const findings = issues.flatMap((issue) => describeIssue(issue, context)).filter(({ path: at }) => !isUnresolved(at));
  const all = sortProblems([...problems, ...findings.map((finding) => place(file, yaml, finding))]);
  if (!isObject(yaml.tree) || !isObject(resolved)) return { problems: all };
  return { document: { file, folder, tree: yaml.tree, resolved, unresolved, yaml }, problems: all };
}

function place(file: string, yaml: YamlFile, finding: Finding): Problem {
  const at = finding.at === 'key' ? yaml.keyPosition(finding.path) : yaml.valuePosition(finding.path);
  const { received, expected, next } = finding;
  return problem(file, at, CODES.invalid, { received, expected, next });
}
