import type { DativoError } from '../../contracts/errors.ts';
import type { Transformation } from '../../contracts/job-transformations.ts';
import { nearest } from '../../contracts/nearest.ts';
import type { Column } from '../../contracts/schema.ts';
import type { RowGate } from './gate.ts';
import type { Pipeline } from './pipeline.ts';
import type { DuckDbSession } from './session.ts';
import { compileColumnChange } from './transform-change.ts';
import { compileFilter, compileSql } from './transform-sql.ts';
import type { CompiledStep } from './transform-step.ts';
import { invalidStep } from './transform-step.ts';

/** Where an output column comes from. */
export interface ColumnLineage {
  readonly column: string;
  /** Columns of the source that its values are computed from; none for a constant. */
  readonly inputs: readonly string[];
  /** Names of the steps that changed it, in order. */
  readonly steps: readonly string[];
}

/** A filter and the source columns that decide about its rows. */
export interface FilterLineage {
  readonly rule: string;
  readonly inputs: readonly string[];
}

export interface CompiledTransformations {
  /** The columns after the last step. */
  readonly columns: readonly Column[];
  readonly lineage: readonly ColumnLineage[];
  readonly filters: readonly FilterLineage[];
  /** A window function looks at all rows of the run, so they must be read in one chunk. */
  readonly needsWholeRun: boolean;
  /** Adds the steps to a pipeline in the session that they were compiled with; its gate is told rules and checks. */
  apply(pipeline: Pipeline, gate: RowGate): void;
}

/**
 * Checks each step against the columns that the one before it leaves, without reading a row: expressions are bound
 * by DuckDB over an empty relation. Keys of `hash` steps become variables of the session.
 * Errors: TRANSFORMATION_INVALID, naming the step.
 */
export async function compileTransformations(
  steps: readonly Transformation[],
  columns: readonly Column[],
  session: DuckDbSession,
): Promise<CompiledTransformations> {
  let current = columns;
  let lineage = new Map<string, ColumnLineage>(
    columns.map(({ name }) => [name, { column: name, inputs: [name], steps: [] }]),
  );
  const filters: FilterLineage[] = [];
  const compiled: CompiledStep[] = [];
  for (const step of steps) {
    const result = await compileStep(step, current, session);
    const sources = (names: readonly string[]) => unique(names.flatMap((name) => lineage.get(name)?.inputs ?? []));
    if (result.filterInputs) filters.push({ rule: step.name, inputs: sources(result.filterInputs) });
    lineage = follow(lineage, result, step, sources);
    current = result.columns;
    compiled.push(result);
  }
  return {
    columns: current,
    lineage: current.flatMap(({ name }) => lineage.get(name) ?? []),
    filters,
    needsWholeRun: compiled.some((step) => step.hasWindow),
    apply: (pipeline, gate) => {
      for (const step of compiled) step.apply(pipeline, gate);
    },
  };
}

async function compileStep(
  step: Transformation,
  columns: readonly Column[],
  session: DuckDbSession,
): Promise<CompiledStep> {
  switch (step.type) {
    case 'sql':
      return compileSql(step, columns, session);
    case 'filter':
      return compileFilter(step, columns, session);
    case 'select':
      requireColumns(step, step.columns, columns);
      return projection(
        columns,
        unique(step.columns).map((name) => ({ from: name, to: name })),
      );
    case 'drop':
      requireColumns(step, step.columns, columns);
      return compileDrop(step, step.columns, columns);
    case 'rename':
      requireColumns(step, Object.keys(step.columns), columns);
      return compileRename(step, new Map(Object.entries(step.columns)), columns);
    case 'cast':
      requireColumns(step, Object.keys(step.columns), columns);
      return compileColumnChange(step, columns, session);
    case 'hash':
    case 'mask':
      requireColumns(step, step.columns, columns);
      return compileColumnChange(step, columns, session);
  }
}

function compileDrop(step: Transformation, dropped: readonly string[], columns: readonly Column[]): CompiledStep {
  const kept = columns.filter(({ name }) => !dropped.includes(name));
  if (kept.length === 0) {
    throw invalidStep(step, {
      received: 'a drop of every column',
      expected: 'at least one column that stays',
      next: 'leave one out of the step',
    });
  }
  return projection(
    columns,
    kept.map(({ name }) => ({ from: name, to: name })),
  );
}

function compileRename(
  step: Transformation,
  names: ReadonlyMap<string, string>,
  columns: readonly Column[],
): CompiledStep {
  const renamed = columns.map(({ name }) => ({ from: name, to: names.get(name) ?? name }));
  const seen = new Set<string>();
  for (const { to } of renamed) {
    if (seen.has(to.toLowerCase())) throw twoOfOneName(step, to);
    seen.add(to.toLowerCase());
  }
  return projection(columns, renamed);
}

function twoOfOneName(step: Transformation, name: string): DativoError {
  return invalidStep(step, {
    received: `two columns of the name "${name}"`,
    expected: 'names that differ by more than the case of their letters',
    next: 'choose another name',
  });
}

function projection(columns: readonly Column[], list: readonly { from: string; to: string }[]): CompiledStep {
  const byName = new Map(columns.map((column) => [column.name, column]));
  const kept = list.flatMap(({ from, to }) => {
    const column = byName.get(from);
    return column === undefined ? [] : [{ ...column, name: to }];
  });
  const changes = list.filter(({ from, to }) => from !== to).map(({ from, to }): [string, string[]] => [to, [from]]);
  return {
    columns: kept,
    changes: new Map(changes),
    hasWindow: false,
    apply: (pipeline) => pipeline.project(list),
  };
}

function requireColumns(step: Transformation, wanted: readonly string[], columns: readonly Column[]): void {
  const names = columns.map(({ name }) => name);
  for (const name of wanted) {
    if (names.includes(name)) continue;
    const near = nearest(name, names);
    throw invalidStep(step, {
      received: `the unknown column "${name}"`,
      expected: `one of ${names.map((known) => `"${known}"`).join(', ')}`,
      next: near === undefined ? 'correct the name' : `correct the name; did you mean "${near}"?`,
    });
  }
}

function follow(
  before: ReadonlyMap<string, ColumnLineage>,
  result: CompiledStep,
  step: Transformation,
  sources: (names: readonly string[]) => readonly string[],
): Map<string, ColumnLineage> {
  return new Map(
    result.columns.map(({ name }) => {
      const reads = result.changes.get(name);
      const same = before.get(name) ?? { column: name, inputs: [], steps: [] };
      if (reads === undefined) return [name, same];
      const earlier = reads.flatMap((read) => before.get(read)?.steps ?? []);
      return [name, { column: name, inputs: sources(reads), steps: unique([...earlier, step.name]) }];
    }),
  );
}

function unique<T>(items: readonly T[]): T[] {
  return [...new Set(items)];
}
