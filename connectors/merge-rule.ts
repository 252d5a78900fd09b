import { fail } from '../contracts/errors.ts';
import type { Column } from '../contracts/schema.ts';
import type { MergeRule } from './duckdb/merge-sql.ts';

/** The columns of the key must be columns of the table that hold plain values. Fails with PRIMARY_KEY_INVALID. */
export function requireMergeable(columns: readonly Column[], { key, latestBy }: MergeRule, table: string): void {
  for (const name of [...key, ...(latestBy === undefined ? [] : [latestBy])]) {
    const column = columns.find((one) => one.name === name);
    if (column !== undefined && typeof column.type === 'string') continue;
    throw fail('PRIMARY_KEY_INVALID', {
      received: `${name === latestBy ? 'target.latest_by' : 'the primary key of an upsert'} with ${name}, ${column === undefined ? 'which is no column' : 'a nested column'} of table ${table}`,
      expected: `one of ${columns.map((one) => one.name).join(', ')}`,
      next: 'correct the name in the job or the contract',
    });
  }
}
