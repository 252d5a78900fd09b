import type { SchemaMode } from '../contracts/job.ts';
import type { Column, StreamSchema } from '../contracts/schema.ts';
import { canHold, typeName } from '../contracts/schema.ts';

export interface Reconciled {
  /** The columns that the table shall have. */
  readonly wanted: StreamSchema;
  /** What makes a strict run impossible, in plain words; empty in `warn` mode. */
  readonly refusals: readonly string[];
}

/**
 * Decides what the table's columns shall be from what the source brings, what the contract promises and what the
 * table has. The contract is the authority if there is one, else the table, else the source.
 */
export function reconcile(options: {
  readonly mode: SchemaMode;
  readonly output: readonly Column[];
  readonly contract: StreamSchema | undefined;
  readonly table: StreamSchema | undefined;
}): Reconciled {
  const { mode, output, contract, table } = options;
  const authority = contract ?? table;
  if (!authority) return { wanted: { columns: output, primaryKey: [] }, refusals: [] };
  const refusals = mode === 'strict' ? differences(output, authority) : strangers(output, authority);
  const promised = authority.columns.map((column) => {
    const found = output.find((candidate) => candidate.name === column.name);
    return contract ? column : widened(column, found);
  });
  const unknown = output.filter((column) => !authority.columns.some((known) => known.name === column.name));
  // A table keeps the columns that a newer contract no longer names: dropping data is never a side effect.
  const kept = contract
    ? (table?.columns ?? []).filter((column) => !named(promised, column) && !named(unknown, column))
    : [];
  const columns = [...promised, ...unknown.map(asOptional), ...kept.map(asOptional)];
  return { wanted: { columns, primaryKey: authority.primaryKey }, refusals };
}

function named(columns: readonly Column[], column: Column): boolean {
  return columns.some((candidate) => candidate.name === column.name);
}

/** In `warn` mode the table gives way where Iceberg allows it: wider types, and null for a column that went away. */
function widened(column: Column, found: Column | undefined): Column {
  if (!found) return asOptional(column);
  return { ...column, type: canHold(found.type, column.type) ? found.type : column.type };
}

function asOptional(column: Column): Column {
  return { ...column, required: false };
}

/**
 * A source that shares no column with what is known is another source, or a file whose first row was taken for its
 * header. Its names may be somebody's data, so they are not repeated.
 */
function strangers(output: readonly Column[], authority: StreamSchema): string[] {
  if (output.length === 0 || output.some((column) => named(authority.columns, column))) return [];
  return [`none of its ${output.length} columns is known; does it lack a header (source.header: false)`];
}

function differences(output: readonly Column[], authority: StreamSchema): string[] {
  const lost = authority.columns.filter((column) => !named(output, column));
  const unknown = output.filter((column) => !named(authority.columns, column));
  return [
    ...lost.map((column) => `column ${column.name} (${typeName(column.type)}) is missing`),
    ...unknown.map((column) => `column ${column.name} (${typeName(column.type)}) is unknown`),
  ];
}
