import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { fail, hasErrnoCode } from '../contracts/errors.ts';
import { jobSchema } from '../contracts/job.ts';

export interface JobFiles {
  /** Below the folder as the user named it, in the order of their names. */
  readonly jobs: readonly string[];
  /** YAML files that are neither jobs nor contracts. */
  readonly ignored: readonly string[];
}

const YAML = /\.ya?ml$/i;
const JOB_KEYS = Object.keys(jobSchema.shape);

/**
 * The job files in a folder and below. A YAML file is a job when it has one of a job's keys, or cannot be read: its
 * problems are for whoever loads it. Hidden folders and `node_modules` are left out.
 * Throws USAGE when the folder cannot be read.
 */
export async function findJobFiles(folder: string): Promise<JobFiles> {
  const files = await yamlFiles(folder);
  const jobs: string[] = [];
  const ignored: string[] = [];
  for (const file of files.toSorted()) {
    const kind = await kindOf(file);
    if (kind === 'job') jobs.push(file);
    if (kind === 'other') ignored.push(file);
  }
  return { jobs, ignored };
}

async function yamlFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    throw fail('USAGE', {
      received: `${folder}, which is no folder that can be read${hasErrnoCode(error) ? ` (${error.code})` : ''}`,
      expected: 'a folder with job files',
      next: 'correct its name or its rights',
    });
  });
  const found = await Promise.all(
    entries.map((entry) => {
      const path = join(folder, entry.name);
      if (!entry.isDirectory()) return YAML.test(entry.name) ? [path] : [];
      return entry.name.startsWith('.') || entry.name === 'node_modules' ? [] : yamlFiles(path);
    }),
  );
  return found.flat();
}

async function kindOf(file: string): Promise<'job' | 'contract' | 'other'> {
  let tree: unknown;
  try {
    tree = parse(await readFile(file, 'utf8'), { logLevel: 'error' });
  } catch {
    return 'job';
  }
  if (typeof tree !== 'object' || tree === null) return 'other';
  // A data contract may call one of its keys as a job does.
  if ('kind' in tree && tree.kind === 'DataContract') return 'contract';
  return JOB_KEYS.some((key) => Object.hasOwn(tree, key)) ? 'job' : 'other';
}
