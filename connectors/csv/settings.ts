import { fail } from '../../contracts/errors.ts';
import { OBJECT_PLACEHOLDER } from '../../contracts/job-source.ts';
import type { SourceSettings } from '../source-settings.ts';

/** Paths and globs of one object. Errors: SOURCE_NOT_FOUND where the job names none. */
export function pathsOf(object: string, { source }: SourceSettings): readonly string[] {
  const patterns = typeof source.path === 'string' ? [source.path] : (source.path ?? []);
  if (patterns.length === 0) {
    throw fail('SOURCE_NOT_FOUND', {
      received: 'a csv source without source.path',
      expected: 'a file, a glob or a list of them',
      next: 'add source.path, such as data/orders.csv',
    });
  }
  if ((source.objects?.length ?? 0) > 1 && !patterns.every((pattern) => pattern.includes(OBJECT_PLACEHOLDER))) {
    throw fail('JOB_FILE_INVALID', {
      received: `${source.objects?.length} objects and a source.path without ${OBJECT_PLACEHOLDER}`,
      expected: `${OBJECT_PLACEHOLDER} in every path, so that each object has files of its own`,
      next: `write the path as data/${OBJECT_PLACEHOLDER}.csv`,
    });
  }
  return patterns.map((pattern) => pattern.replaceAll(OBJECT_PLACEHOLDER, object));
}
