import { fail } from '../../contracts/errors.ts';
import { fixedLength } from '../../contracts/schema.ts';
import type { IcebergField, IcebergSchema, IcebergType } from '../iceberg/schema.ts';

/**
 * Fails with SCHEMA_MISMATCH for columns that DuckDB cannot write as Iceberg wants them: bytes of a fixed length
 * (it writes them with a length each, which other readers refuse) and structs without fields.
 */
export function requireWritable(schema: IcebergSchema, table: string): void {
  const problems = schema.fields.flatMap(problemsOfField);
  if (problems.length === 0) return;
  throw fail('SCHEMA_MISMATCH', {
    received: `for table ${table}, ${problems.join('; ')}`,
    expected: 'column types that can be written to Parquet',
    next: 'use binary instead of fixed, and leave out structs without fields',
  });
}

function problemsOfField({ name, type }: IcebergField): string[] {
  return problemsOf(type).map((problem) => `column ${name} with ${problem}`);
}

function problemsOf(type: IcebergType): string[] {
  if (typeof type === 'string') return fixedLength(type) === undefined ? [] : [type];
  switch (type.type) {
    case 'struct':
      return type.fields.length === 0
        ? ['a struct without fields']
        : type.fields.flatMap((field) => problemsOf(field.type));
    case 'list':
      return problemsOf(type.element);
    case 'map':
      return [...problemsOf(type.key), ...problemsOf(type.value)];
  }
}
