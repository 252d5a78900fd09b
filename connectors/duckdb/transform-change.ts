import { createHash } from 'node:crypto';
import { BLOB, blobValue } from '@duckdb/node-api';
import type { Transformation } from '../../contracts/job-transformations.ts';
import type { Column, ColumnType } from '../../contracts/schema.ts';
import { typeName } from '../../contracts/schema.ts';
import type { Cast } from './cast.ts';
import { canCast, castTo, sameType } from './cast.ts';
import type { RowGate } from './gate.ts';
import type { Computed } from './pipeline.ts';
import type { DuckDbSession } from './session.ts';
import { identifier, literal } from './sql.ts';
import type { CompiledStep } from './transform-step.ts';
import { invalidStep } from './transform-step.ts';

type ChangeStep = Extract<Transformation, { type: 'cast' | 'hash' | 'mask' }>;
type CastStep = Extract<Transformation, { type: 'cast' }>;
type MaskStep = Extract<Transformation, { type: 'mask' }>;

/** Steps that replace columns by a function of their own value: `cast`, `hash` and `mask`. */
export async function compileColumnChange(
  step: ChangeStep,
  columns: readonly Column[],
  session: DuckDbSession,
): Promise<CompiledStep> {
  switch (step.type) {
    case 'cast':
      return compileCast(step, columns);
    case 'hash': {
      const pads = await hmacPads(step.key, session);
      return replacing(step.columns, columns, 'string', (column) => () => ({
        column,
        sql: hmac(asText(column), pads),
      }));
    }
    case 'mask':
      return replacing(step.columns, columns, 'string', (column) => () => ({
        column,
        sql: masked(asText(column), step),
      }));
  }
}

type Change = (gate: RowGate) => Computed;

/** Every listed column is replaced by `change` of it, all at once. */
function replacing(
  names: readonly string[],
  columns: readonly Column[],
  type: ColumnType,
  change: (before: Column) => Change,
): CompiledStep {
  const targets = new Map(names.map((name) => [name, type]));
  return changing(targets, columns, change);
}

function changing(
  types: ReadonlyMap<string, ColumnType>,
  columns: readonly Column[],
  change: (before: Column) => Change,
): CompiledStep {
  const after = (column: Column): Column => ({ ...column, type: types.get(column.name) ?? column.type });
  const changed = columns.filter(({ name }) => types.has(name)).map((column) => ({ column, compute: change(column) }));
  return {
    columns: columns.map(after),
    changes: new Map(changed.map(({ column }) => [column.name, [column.name]])),
    hasWindow: false,
    apply: (pipeline, gate) =>
      pipeline.compute(changed.map(({ column, compute }) => ({ ...compute(gate), column: after(column) }))),
  };
}

function compileCast(step: CastStep, columns: readonly Column[]): CompiledStep {
  const types = new Map(Object.entries(step.columns));
  const casts = new Map<string, Cast>();
  for (const column of columns) {
    const to = types.get(column.name);
    if (to === undefined || sameType(column.type, to)) continue;
    requireCast(step, column, to);
    casts.set(column.name, castTo(identifier(column.name), column.type, to));
  }
  const wanted = new Map([...types].filter(([name]) => casts.has(name)));
  return changing(wanted, columns, (column) => (gate) => castValue(column, casts.get(column.name), gate));
}

function castValue(column: Column, cast: Cast | undefined, gate: RowGate): Computed {
  if (cast === undefined) return { column, sql: identifier(column.name) };
  const code = gate.check('CAST', column.name);
  const { sql, steps, failed } = cast;
  return { column, sql, attempt: { code, sql, steps, value: (name) => name, failed } };
}

function requireCast(step: CastStep, column: Column, to: ColumnType): void {
  if (canCast(column.type, to)) return;
  throw invalidStep(step, {
    received: `a cast of "${column.name}" from ${typeName(column.type)} to ${typeName(to)}`,
    expected: 'types of which one can become the other',
    next: 'use a sql step that says how, or another type',
  });
}

/** SQL: the value as text; bytes and nested values in DuckDB's own notation. */
function asText(column: Column): string {
  const value = identifier(column.name);
  return column.type === 'string' ? value : `${value}::VARCHAR`;
}

const BLOCK_BYTES = 64;

/** Names of the session variables that hold the key of a `hash` step, mixed with the pads of HMAC. */
interface HmacPads {
  readonly inner: string;
  readonly outer: string;
}

let hashSteps = 0;

/** The key never stands in SQL text: it goes into session variables as a bound value. */
async function hmacPads(key: string, session: DuckDbSession): Promise<HmacPads> {
  const bytes = Buffer.from(key, 'utf8');
  const block = Buffer.alloc(BLOCK_BYTES);
  (bytes.length > BLOCK_BYTES ? createHash('sha256').update(bytes).digest() : bytes).copy(block);
  const step = ++hashSteps;
  const pads = { inner: `dativo_hash_${step}_inner`, outer: `dativo_hash_${step}_outer` };
  await setVariable(
    session,
    pads.inner,
    block.map((byte) => byte ^ 0x36),
  );
  await setVariable(
    session,
    pads.outer,
    block.map((byte) => byte ^ 0x5c),
  );
  return pads;
}

async function setVariable(session: DuckDbSession, name: string, bytes: Uint8Array): Promise<void> {
  const statement = await session.prepare(`SET VARIABLE ${name} = $1`);
  try {
    statement.bindValue(1, blobValue(bytes), BLOB);
    await statement.run();
  } finally {
    statement.destroySync();
  }
}

/** HMAC-SHA-256 (RFC 2104) of UTF-8 text as 64 lower-case hexadecimal digits; null stays null. */
function hmac(text: string, { inner, outer }: HmacPads): string {
  const variable = (name: string) => `getvariable(${literal(name)})::BLOB`;
  return `sha256(${variable(outer)} || unhex(sha256(${variable(inner)} || encode(${text}))))`;
}

/** Characters are Unicode code points. A value that is not longer than what would stay readable is hidden whole. */
function masked(text: string, { keep_first: first, keep_last: last, character }: MaskStep): string {
  const hidden = `repeat(${literal(character)}, length(${text}) - ${first + last})`;
  const whole = `repeat(${literal(character)}, length(${text}))`;
  return (
    `CASE WHEN length(${text}) <= ${first + last} THEN ${whole} ` +
    `ELSE left(${text}, ${first}) || ${hidden} || right(${text}, ${last}) END`
  );
}
