import { fail } from '../../contracts/errors.ts';
import type { Column, ColumnType, StreamSchema } from '../../contracts/schema.ts';
import type { Relation } from '../connector.ts';
import { castTo, sameType } from './cast.ts';
import { cursorAsInteger, cursorText } from './cursor.ts';
import { RowGate } from './gate.ts';
import { Pipeline } from './pipeline.ts';
import { identifier, literal } from './sql.ts';
import type { CompiledTransformations } from './transform.ts';
import { toDuckDb } from './type-names.ts';

export interface SelectRequest {
  readonly relation: Relation;
  /** The columns that the transformations were compiled for. */
  readonly schema: StreamSchema;
  readonly transformations: CompiledTransformations;
  /** The columns of the table, in its order. */
  readonly target: readonly Column[];
  /** Columns of the target whose values no partition can have where this is true. */
  readonly outOfRange?: readonly { readonly column: string; readonly when: string }[];
  /** How many violating rows are borne before the query is stopped (`max_bad_rows`). */
  readonly maxBadRows: number;
  readonly onProgress?: (rows: number) => void;
}

export interface AssembledSelect {
  /** One SELECT with the target's columns, in its order and types, without the rows that the gate turns away. */
  readonly sql: string;
  /** Not registered yet. */
  readonly gate: RowGate;
  /** After the query: the highest cursor among the rows that it returned, as text for `checkpointAfter`. */
  highestCursor(): string | undefined;
}

/**
 * The query of one chunk, from the rows as they are read to the rows as they are written:
 * rules of the source (incremental, window) → types of the schema → transformations → types of the target and its
 * required columns. Where nothing has to be done, nothing is added.
 */
export function assembleSelect(request: SelectRequest): AssembledSelect {
  const { relation, schema, transformations, target, outOfRange = [], maxBadRows, onProgress } = request;
  const gate = new RowGate({ limit: maxBadRows, ...(onProgress ? { onProgress } : {}) });
  const cursor = cursorOf(relation, schema.columns);
  const pipeline = new Pipeline(
    {
      sql: relation.sql,
      columns: relation.columns,
      ...(relation.sourceFile === undefined ? {} : { sourceFile: relation.sourceFile }),
      ...(cursor ? { cursor: cursorAsInteger(cursor.sql, cursor.type) } : {}),
    },
    gate,
  );
  for (const { rule, keep } of relation.skip ?? []) {
    pipeline.guard([{ when: `NOT coalesce(${keep}, false)`, code: gate.rule(rule) }]);
  }
  fit(pipeline, gate, schema.columns, relation.nullTexts ?? []);
  transformations.apply(pipeline, gate);
  fit(pipeline, gate, target, []);
  const unfit = outOfRange.map(({ column, when }) => ({ when, code: gate.check('OUT_OF_RANGE', column) }));
  pipeline.guard([...requiredGuards(gate, target), ...rangeGuards(gate, target), ...unfit]);
  return {
    sql: pipeline.sql(),
    gate,
    highestCursor: () => {
      const highest = gate.highestCursor();
      return cursor && highest !== undefined ? cursorText(cursor.type, highest) : undefined;
    },
  };
}

/** Law 2 over the reader's own rejects and the gate's: fails when they are more than `max_bad_rows` together. */
export function requireFewBadRows(badRows: number, maxBadRows: number): void {
  if (badRows <= maxBadRows) return;
  throw fail('TOO_MANY_BAD_ROWS', {
    received: `${badRows} rows that cannot be used`,
    expected: `at most ${maxBadRows} (max_bad_rows)`,
    next: 'correct the source or the types it is read with, or raise source.max_bad_rows',
  });
}

/** The cursor's type in the schema, and SQL for its value in the relation, null where it has none. */
function cursorOf(
  { columns, cursorField }: Relation,
  schema: readonly Column[],
): { sql: string; type: ColumnType } | undefined {
  const read = columns.find(({ name }) => name === cursorField);
  if (read === undefined) return undefined;
  const type = schema.find(({ name }) => name === cursorField)?.type ?? read.type;
  const sql = identifier(read.name);
  return { type, sql: sameType(read.type, type) ? sql : castTo(sql, read.type, type).sql };
}

/**
 * Gives the pipeline these columns in this order: casts where types differ, null where a column is missing.
 * A text that means null becomes null, and its failing cast is no violation.
 */
function fit(pipeline: Pipeline, gate: RowGate, wanted: readonly Column[], nullTexts: readonly string[]): void {
  const present = new Map(pipeline.columns.map((column) => [column.name, column]));
  pipeline.compute(
    wanted.flatMap((column) => {
      const before = present.get(column.name);
      if (before === undefined) return [{ column, sql: `NULL::${toDuckDb(column.type)}` }];
      if (sameType(before.type, column.type)) return [];
      const cast = castTo(identifier(column.name), before.type, column.type);
      const code = gate.check('CAST', column.name);
      const isValue = before.type === 'string' ? notOneOf(identifier(column.name), nullTexts) : '';
      const failed = (result: string) => `${cast.failed(result)}${isValue}`;
      const { sql, steps } = cast;
      return [{ column, sql, attempt: { code, sql, steps, value: (name: string) => name, failed } }];
    }),
  );
  const names = wanted.map(({ name }) => name);
  if (pipeline.columns.map(({ name }) => name).join('\0') === names.join('\0')) return;
  pipeline.project(names.map((name) => ({ from: name, to: name })));
}

function notOneOf(text: string, nullTexts: readonly string[]): string {
  return nullTexts.length === 0 ? '' : ` AND ${text} NOT IN (${nullTexts.map(literal).join(', ')})`;
}

/** What every reader of the table can show; DuckDB's own dates go further, up to infinity, and its days to 24:00:00. */
const RANGES: Readonly<Record<string, readonly [lowest: string, highest: string]>> = {
  time: [`TIME '00:00:00'`, `TIME '23:59:59.999999'`],
  date: [`DATE '0001-01-01'`, `DATE '9999-12-31'`],
  timestamp: [`TIMESTAMP '0001-01-01'`, `TIMESTAMP '9999-12-31 23:59:59.999999'`],
  timestamptz: [`TIMESTAMPTZ '0001-01-01 00:00:00Z'`, `TIMESTAMPTZ '9999-12-31 23:59:59.999999Z'`],
};

function rangeGuards(gate: RowGate, target: readonly Column[]): { when: string; code: number }[] {
  return target.flatMap(({ name, type }) => {
    const range = typeof type === 'string' ? RANGES[type] : undefined;
    if (range === undefined) return [];
    return [{ when: `${identifier(name)} NOT BETWEEN ${range.join(' AND ')}`, code: gate.check('OUT_OF_RANGE', name) }];
  });
}

function requiredGuards(gate: RowGate, target: readonly Column[]): { when: string; code: number }[] {
  return target
    .filter(({ required }) => required)
    .map(({ name }) => ({ when: `${identifier(name)} IS NULL`, code: gate.check('REQUIRED', name) }));
}
