import type { SourceSpec } from '../contracts/job-source.ts';
import type { TargetSpec } from '../contracts/job-target.ts';
import type { KeyPath } from './json-tree.ts';
import type { RuleFinding } from './rule-finding.ts';

type Strategy = NonNullable<SourceSpec['incremental']['strategy']>;

/** What `source.incremental` needs beyond what the schema says; `byDefault` is what a job without it does. */
export function incrementalRules(
  { incremental }: SourceSpec,
  byDefault: Strategy,
  writeMode: TargetSpec['write_mode'] | undefined,
): RuleFinding[] {
  const { cursor_field: cursorField, lookback_hours: lookbackHours, strategy = byDefault } = incremental;
  if (strategy !== 'updated_after') {
    const unused = [
      cursorField === undefined ? [] : ['cursor_field'],
      lookbackHours === 0 ? [] : ['lookback_hours'],
    ].flat();
    return unused.map((key) =>
      invalid(
        key,
        `source.incremental.${key} has no meaning when the strategy is ${strategy}`,
        'strategy: updated_after with it',
        'add the strategy or remove it',
      ),
    );
  }
  const findings: RuleFinding[] = [];
  if (cursorField === undefined) {
    const next = 'add cursor_field: updated_at or the like';
    findings.push(invalid('cursor_field', 'updated_after has no cursor_field', 'the column to go by', next));
  }
  if (lookbackHours > 0 && writeMode === 'append') {
    // An upsert puts a row that is read a second time in the place of the one that was there.
    findings.push(
      invalid(
        'lookback_hours',
        'source.incremental.lookback_hours with target.write_mode append would append rows a second time',
        'write_mode: upsert with it',
        'remove it, or write target.write_mode: upsert',
      ),
    );
  }
  return findings;
}

function invalid(key: string, received: string, expected: string, next: string): RuleFinding {
  const path: KeyPath = ['source', 'incremental', key];
  return { path, at: 'key', code: 'JOB_FILE_INVALID', received, expected, next };
}
