import { DativoError } from '../../contracts/errors.ts';
import type { Transformation } from '../../contracts/job-transformations.ts';
import { nearest } from '../../contracts/nearest.ts';
import type { Column } from '../../contracts/schema.ts';
import { describeQuery, emptyRelation } from './describe.ts';
import { analyseExpression } from './expression.ts';
import type { Pipeline } from './pipeline.ts';
import type { DuckDbSession } from './session.ts';
import type { CompiledStep } from './transform-step.ts';
import { invalidStep } from './transform-step.ts';
import { toDuckDb } from './type-names.ts';

type SqlStep = Extract<Transformation, { type: 'sql' }>;
type FilterStep = Extract<Transformation, { type: 'filter' }>;

interface BoundExpression {
  readonly column: Column;
  /** Columns that it reads. */
  readonly reads: readonly string[];
  readonly hasWindow: boolean;
  /** SQL of the value with the type of `column`; throws in DuckDB where a row's value cannot be computed. */
  readonly sql: string;
  /** SQL that gives `{'v': value}`, or null for a row where it cannot be computed. Windows and volatile ones have none. */
  readonly attempt: string | undefined;
}

/** `sql`: the expression's value in a new column, or in place of the one of that name. */
export async function compileSql(
  step: SqlStep,
  columns: readonly Column[],
  session: DuckDbSession,
): Promise<CompiledStep> {
  const other = columns.find(({ name }) => name !== step.column && name.toLowerCase() === step.column.toLowerCase());
  if (other !== undefined) {
    throw invalidStep(step, {
      received: `the column "${step.column}" beside "${other.name}"`,
      expected: 'names that differ by more than the case of their letters',
      next: 'spell it the same to replace the column, or choose another name',
    });
  }
  const bound = await bind(step, step.column, columns, session);
  const replaces = columns.some(({ name }) => name === step.column);
  return {
    columns: replaces
      ? columns.map((column) => (column.name === step.column ? bound.column : column))
      : [...columns, bound.column],
    changes: new Map([[step.column, bound.reads]]),
    hasWindow: bound.hasWindow,
    apply: (pipeline, gate) => {
      if (bound.hasWindow) pipeline.barrier();
      const { column, sql, attempt } = bound;
      if (attempt === undefined) return pipeline.compute([{ column, sql }]);
      const code = gate.check('EXPRESSION', step.column);
      const value = (name: string) => `${name}.v`;
      const failed = (name: string) => `${name} IS NULL`;
      pipeline.compute([{ column, sql, attempt: { code, sql: attempt, value, failed } }]);
    },
  };
}

/** `filter`: rows stay where the condition is true; the others are skipped under the step's name. */
export async function compileFilter(
  step: FilterStep,
  columns: readonly Column[],
  session: DuckDbSession,
): Promise<CompiledStep> {
  const bound = await bind(step, 'condition', columns, session);
  if (bound.column.type !== 'boolean') {
    throw invalidStep(step, {
      received: `a condition of type ${String(bound.column.type)}`,
      expected: 'a condition that is true or false',
      next: 'compare the value with something',
    });
  }
  return {
    columns,
    changes: new Map(),
    filterInputs: bound.reads,
    hasWindow: bound.hasWindow,
    apply: (pipeline: Pipeline, gate) => {
      if (bound.hasWindow) pipeline.barrier();
      const rule = gate.rule(step.name);
      const { attempt } = bound;
      if (attempt === undefined) {
        pipeline.guardBy(bound.sql, (name) => [{ when: `NOT coalesce(${name}, false)`, code: rule }]);
        return;
      }
      const check = gate.check('EXPRESSION', null);
      pipeline.guardBy(attempt, (name) => [
        { when: `${name} IS NULL`, code: check },
        { when: `NOT coalesce(${name}.v, false)`, code: rule },
      ]);
    },
  };
}

async function bind(
  step: SqlStep | FilterStep,
  name: string,
  columns: readonly Column[],
  session: DuckDbSession,
): Promise<BoundExpression> {
  const analysis = await analyseExpression(session, step.expression);
  if ('refused' in analysis) {
    throw invalidStep(step, {
      received: `an expression that ${analysis.refused}`,
      expected: 'one SQL value computed from the columns of the row, window functions included',
      next: 'rewrite the expression',
    });
  }
  // The line break ends a comment at the end of the expression.
  const text = `(${step.expression}\n)`;
  const described = await describe(step, text, columns, session);
  const sql = `CAST(${text} AS ${toDuckDb(described.type)})`;
  const known = new Map(columns.map((column) => [column.name.toLowerCase(), column.name]));
  const reads = analysis.names.flatMap((read) => known.get(read.toLowerCase()) ?? []);
  const attempt = analysis.hasWindow ? undefined : await attemptOf(sql, columns, session);
  return { column: { ...described, name }, reads: [...new Set(reads)], hasWindow: analysis.hasWindow, sql, attempt };
}

async function describe(
  step: SqlStep | FilterStep,
  text: string,
  columns: readonly Column[],
  session: DuckDbSession,
): Promise<Column> {
  try {
    const [column] = await describeQuery(session, `SELECT ${text} AS v FROM (${emptyRelation(columns)})`);
    if (column === undefined) throw new RangeError('an expression without a column');
    return column;
  } catch (error) {
    if (!(error instanceof DativoError) || error.code !== 'QUERY_INVALID') throw error;
    const names = columns.map((column) => column.name);
    const unknown = /^the unknown column "(.+)"$/.exec(error.parts.received)?.[1];
    const near = unknown === undefined ? undefined : nearest(unknown, names);
    throw invalidStep(step, {
      received: error.parts.received,
      expected:
        unknown === undefined ? error.parts.expected : `columns out of ${names.map((n) => `"${n}"`).join(', ')}`,
      next: near === undefined ? error.parts.next : `${error.parts.next}; did you mean "${near}"?`,
    });
  }
}

/** DuckDB does not take a volatile function (random(), uuid()) in TRY; such an expression is used as it is. */
async function attemptOf(sql: string, columns: readonly Column[], session: DuckDbSession): Promise<string | undefined> {
  const attempt = `TRY({'v': ${sql}})`;
  try {
    await describeQuery(session, `SELECT ${attempt} AS v FROM (${emptyRelation(columns)})`);
    return attempt;
  } catch (error) {
    if (error instanceof DativoError && error.code === 'QUERY_INVALID') return undefined;
    throw error;
  }
}
