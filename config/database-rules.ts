import type { SourceSpec } from '../contracts/job-source.ts';
import type { TargetSpec } from '../contracts/job-target.ts';
import { incrementalRules } from './incremental-rules.ts';
import type { KeyPath } from './json-tree.ts';
import type { RuleFinding } from './rule-finding.ts';

/** What reading a database needs, beyond what the schema says. */
export function databaseRules(
  source: SourceSpec,
  objects: readonly string[],
  writeMode: TargetSpec['write_mode'] | undefined,
): RuleFinding[] {
  const findings = incrementalRules(source, 'none', writeMode);
  const add = (path: KeyPath, received: string, expected: string, next: string) =>
    findings.push({ path, at: 'key', code: 'JOB_FILE_INVALID', received, expected, next });
  if (source.connection === undefined) {
    const next = 'add connection: ${DATABASE_URL} under source, and set that variable';
    add(['source', 'connection'], 'source has no "connection"', 'the address of the database', next);
  }
  if (source.query !== undefined && objects.length > 1) {
    const received = `source.query for ${objects.length} objects`;
    add(['source', 'query'], received, 'one object, which the query stands for', 'write a job for each of the others');
  }
  const { strategy } = source.incremental;
  if (strategy === 'new_files') {
    const received = 'source.incremental.strategy is new_files, which is for files';
    const next = 'write strategy: updated_after with a cursor_field, or remove it';
    add(['source', 'incremental', 'strategy'], received, 'updated_after or none', next);
  }
  if (strategy === undefined && writeMode === 'append') {
    const received = 'a job that would append all rows of the database again with every run';
    const expected = 'source.incremental with strategy: updated_after, or target.write_mode overwrite or upsert';
    add(
      ['source', 'incremental'],
      received,
      expected,
      'add one of them; strategy: none is how to say that it is meant',
    );
  }
  return findings;
}
