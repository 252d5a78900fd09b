import { fail } from '../contracts/errors.ts';
import { jobSchema } from '../contracts/job.ts';
import type { StorageSpec } from '../contracts/job-storage.ts';
import { storageSchema } from '../contracts/job-storage.ts';
import type { StorageReference } from '../contracts/run.ts';
import { describeIssue } from './describe-issue.ts';
import type { JsonTree } from './json-tree.ts';
import { isObject, valueAt } from './json-tree.ts';
import type { Surroundings } from './open-job.ts';
import { resolveJob } from './resolve-job.ts';
import type { StoredJob } from './stored-job.ts';

const PLACE = ['target', 'storage'] as const;

/**
 * What has to be known to read a stored job from the lake beside which it is kept; undefined where nothing has to. It
 * goes through Temporal, so it is what the job file says and not what its variables stand for.
 */
export function storageReference({ job, folder }: StoredJob): StorageReference | undefined {
  const written = valueAt(job, PLACE);
  if (!isObject(written)) return undefined;
  const settings: Record<string, string | boolean> = {};
  for (const [key, value] of Object.entries(written)) {
    if (typeof value === 'string' || typeof value === 'boolean') settings[key] = value;
  }
  return { settings, folder };
}

/** The settings themselves. Fails like a section of a stored job that is opened. */
export function openStorageReference(
  reference: StorageReference | undefined,
  { env, secrets }: Surroundings,
): StorageSpec | undefined {
  if (reference === undefined) return undefined;
  const written: JsonTree = { target: { storage: { ...reference.settings } } };
  const { tree, unresolved, referencesAt } = resolveJob(written, {
    env,
    baseFolder: reference.folder,
    ...(secrets === undefined ? {} : { secrets }),
  });
  const [missing] = unresolved;
  if (missing) throw fail(missing.code, missing);
  const parsed = storageSchema.safeParse(valueAt(tree, PLACE));
  if (parsed.success) return parsed.data;
  const context = { schema: jobSchema, tree, subject: 'the job', referencesAt };
  const [finding] = parsed.error.issues.flatMap((issue) => describeIssue(issue, context, PLACE));
  throw fail(
    'JOB_FILE_INVALID',
    finding ?? {
      received: 'settings in target.storage that cannot be used',
      expected: 'those that the JSON Schema of job files allows',
      next: 'check the job with `dativo validate`',
    },
  );
}
