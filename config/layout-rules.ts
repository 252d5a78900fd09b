import type { SourceSpec } from '../contracts/job-source.ts';
import type { TargetSpec } from '../contracts/job-target.ts';
import type { Transformation } from '../contracts/job-transformations.ts';
import { nearest } from '../contracts/nearest.ts';
import { typesWanted } from '../contracts/partition-by.ts';
import type { StreamSchema } from '../contracts/schema.ts';
import { typeName } from '../contracts/schema.ts';
import type { JsonObject, KeyPath } from './json-tree.ts';
import type { RuleFinding } from './rule-finding.ts';
import { quoteWritten } from './rule-finding.ts';

/** What is known about a job's columns before its source is opened. */
interface LayoutContext {
  readonly target: TargetSpec;
  readonly source: SourceSpec | undefined;
  readonly steps: readonly Transformation[];
  /** The columns that a strict contract promises, for each object; empty where others may come. */
  readonly promised: readonly StreamSchema[];
  /** The job without the values of its variables, which messages quote. */
  readonly written: JsonObject;
}

/** What `partition_by`, `sort_by` and `overwrite` need; that they fit the columns is checked again at each run. */
export function layoutRules(context: LayoutContext): RuleFinding[] {
  return [...overwriteRules(context), ...columnRules(context)];
}

function overwriteRules({ target, source }: LayoutContext): RuleFinding[] {
  if (target.overwrite !== 'partitions') return [];
  const path: KeyPath = ['target', 'overwrite'];
  if (target.write_mode !== 'overwrite') {
    const received = `target.overwrite is partitions and target.write_mode is ${target.write_mode}`;
    return [invalid(path, received, 'write_mode: overwrite with it', 'set write_mode: overwrite, or remove it')];
  }
  if (target.partition_by?.length === 0) {
    const received = 'target.overwrite is partitions and target.partition_by is empty';
    return [invalid(path, received, 'a table with partitions', 'name the partitions in partition_by')];
  }
  if (source?.incremental.strategy === 'updated_after') {
    const received = 'target.overwrite is partitions, and updated_after brings only some of the rows of each';
    const next = 'use write_mode: upsert, or another source.incremental.strategy';
    return [invalid(path, received, 'runs that bring every row of a partition', next)];
  }
  return [];
}

interface NamedColumn {
  readonly column: string;
  readonly path: KeyPath;
  readonly transform: string;
}

function columnRules({ target, steps, promised, written }: LayoutContext): RuleFinding[] {
  const columns: readonly NamedColumn[] = [
    ...(target.partition_by ?? []).map(({ column, transform }, index) => ({
      column,
      transform,
      path: ['target', 'partition_by', index],
    })),
    ...(target.sort_by ?? []).map(({ column }, index) => ({
      column,
      transform: 'identity',
      path: ['target', 'sort_by', index],
    })),
  ];
  return columns.flatMap((one) => {
    const shown = `${String(one.path[1])} ${quoteWritten(written, one.path)}`;
    const step = steps[lastStepWithout(one.column, steps)];
    if (step !== undefined) {
      const received = `${shown} needs a column that the step "${step.name}" leaves out`;
      return [invalid(one.path, received, 'a column of the table', 'keep the column, or name another one')];
    }
    return promised.flatMap((schema) => promisedRule(one, schema, shown)).slice(0, 1);
  });
}

function promisedRule({ column, transform, path }: NamedColumn, schema: StreamSchema, shown: string): RuleFinding[] {
  const names = schema.columns.map(({ name }) => name);
  const found = schema.columns.find(({ name }) => name === column);
  if (found === undefined) {
    const near = nearest(column, names);
    const next = near === undefined ? 'correct the name' : `write ${near} instead`;
    return [invalid(path, `${shown} needs a column that the contract does not have`, oneOf(names), next)];
  }
  const wanted = typesWanted(transform, found.type);
  if (wanted === undefined) return [];
  const next = 'choose another transform or column';
  return [invalid(path, `${shown}, and the contract says that the column is ${typeName(found.type)}`, wanted, next)];
}

/** Index of the step after which there is no such column any more; -1 if there is none. */
function lastStepWithout(column: string, steps: readonly Transformation[]): number {
  let without = -1;
  for (const [index, step] of steps.entries()) {
    if (step.type === 'drop' && step.columns.includes(column)) without = index;
    if (step.type === 'select') without = step.columns.includes(column) ? -1 : index;
    if (step.type === 'sql' && step.column === column) without = -1;
    if (step.type === 'rename') {
      if (Object.hasOwn(step.columns, column)) without = index;
      if (Object.values(step.columns).includes(column)) without = -1;
    }
  }
  return without;
}

const SHOWN = 20;

function oneOf(names: readonly string[]): string {
  return `one of ${names.slice(0, SHOWN).join(', ')}${names.length > SHOWN ? ', …' : ''}`;
}

function invalid(path: KeyPath, received: string, expected: string, next: string): RuleFinding {
  return { path, at: 'value', code: 'LAYOUT_INVALID', received, expected, next };
}
