import type { PartitionTuple, TupleField } from './partition.ts';
import type { SingleValue } from './single-value.ts';
import { compareValues, toBytes } from './single-value.ts';

/** What a manifest list says of one partition field over all files of a manifest (spec, `field_summary`). */
export interface FieldSummary {
  readonly contains_null: boolean;
  readonly contains_nan: boolean | null;
  readonly lower_bound: Buffer | null;
  readonly upper_bound: Buffer | null;
}

/** Readers leave a manifest alone whose summaries exclude what they look for. */
export function summariseTuples(fields: readonly TupleField[], tuples: readonly PartitionTuple[]): FieldSummary[] {
  return fields.map(({ type }, index) => {
    const values = tuples.map((tuple) => tuple[index] ?? null);
    const present = values.flatMap((value) => (value === null || isNan(value) ? [] : [value])).toSorted(compareValues);
    const bound = (value: SingleValue | undefined) => (value === undefined ? null : (toBytes(type, value) ?? null));
    return {
      contains_null: values.includes(null),
      contains_nan: values.some(isNan),
      lower_bound: bound(present[0]),
      upper_bound: bound(present.at(-1)),
    };
  });
}

function isNan(value: SingleValue | null): boolean {
  return typeof value === 'number' && Number.isNaN(value);
}
