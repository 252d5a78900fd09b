import { fail } from '../../contracts/errors.ts';
import type { Column, ColumnType, StreamSchema } from '../../contracts/schema.ts';
import { canHold, typeName } from '../../contracts/schema.ts';
import type { FieldIds, IcebergField, IcebergSchema, IcebergStruct, IcebergType } from './schema.ts';
import { identifierIds, identifyFields, toColumnType, toStreamSchema } from './schema.ts';

export interface Evolution {
  readonly tableSchema: IcebergSchema;
  /** The wanted columns alone, in the wanted order, with the table's ids and types. */
  readonly fileSchema: IcebergSchema;
  /** In plain words; empty when the table's schema stays as it is. */
  readonly changes: readonly string[];
}

/**
 * Fits wanted columns to a table by the rules of the spec ("Schema Evolution"): a column may be added anywhere, also
 * in a nested struct; int may become long, float double, a decimal gain digits, required become optional. A wanted
 * column that is narrower than the table's is written in the table's type and changes nothing.
 *
 * Fails with SCHEMA_MISMATCH that lists every difference which no rule covers, or every difference at all when
 * `allowed` is false. New ids come from `ids`; the new schema takes `nextSchemaId`.
 */
export function evolve(
  table: IcebergSchema,
  wanted: StreamSchema,
  ids: FieldIds,
  nextSchemaId: number,
  { allowed, name }: { readonly allowed: boolean; readonly name: string },
): Evolution {
  const outcome: Outcome = { changes: [], refusals: [] };
  const merged = mergeFields(table.fields, wanted.columns, ids, '', outcome);
  const key = mergedKey(table, wanted, merged.table, outcome);
  const problems = allowed ? outcome.refusals : [...outcome.changes, ...outcome.refusals];
  if (problems.length > 0) {
    throw fail('SCHEMA_MISMATCH', {
      received: `columns that do not fit table ${name}: ${problems.join('; ')}`,
      expected: allowed
        ? 'changes that keep every row readable (added columns, int to long, float to double, wider decimals, optional instead of required)'
        : 'exactly the columns of the table',
      next: allowed
        ? 'cast or rename those columns in the job, or write to another table'
        : 'set schema_mode: warn to let the table evolve, or change the source or the contract',
    });
  }
  const changed = outcome.changes.length > 0;
  const schemaId = changed ? nextSchemaId : table['schema-id'];
  const shell = { type: 'struct', 'schema-id': schemaId, 'identifier-field-ids': key } as const;
  const tableSchema = changed ? { ...shell, fields: merged.table } : table;
  return { tableSchema, fileSchema: { ...shell, fields: merged.file }, changes: outcome.changes };
}

interface Outcome {
  readonly changes: string[];
  readonly refusals: string[];
}

interface Merged<T> {
  readonly table: T;
  readonly file: T;
}

function mergeFields(
  table: readonly IcebergField[],
  wanted: readonly Column[],
  ids: FieldIds,
  path: string,
  outcome: Outcome,
): Merged<IcebergField[]> {
  const file: IcebergField[] = [];
  const after = new Map(table.map((field) => [field.name, field]));
  for (const column of wanted) {
    const field = after.get(column.name);
    const merged = field === undefined ? undefined : mergeField(field, column, ids, path, outcome);
    const both = merged ?? addField(column, ids, path, outcome);
    after.set(column.name, both.table);
    file.push(both.file);
  }
  const names = new Set(wanted.map((column) => column.name));
  for (const field of table) {
    if (!field.required || names.has(field.name)) continue;
    outcome.changes.push(`column ${path}${field.name} becomes optional, since the source does not have it`);
    after.set(field.name, { ...field, required: false });
  }
  return { table: [...after.values()], file };
}

function addField(column: Column, ids: FieldIds, path: string, outcome: Outcome): Merged<IcebergField> {
  // Rows that are in the table already have no value, so a new column can only be optional.
  const [field] = identifyFields([{ ...column, required: false }], ids);
  if (field === undefined) throw new RangeError('one column gives one field');
  outcome.changes.push(`add column ${path}${column.name} (${typeName(column.type)})`);
  return { table: field, file: field };
}

function mergeField(
  field: IcebergField,
  column: Column,
  ids: FieldIds,
  path: string,
  outcome: Outcome,
): Merged<IcebergField> {
  const name = `${path}${field.name}`;
  if (field.required && !column.required) outcome.changes.push(`column ${name} becomes optional`);
  const required = field.required && column.required;
  const types = mergeType(field.type, column.type, ids, name, outcome);
  return { table: { ...field, required, type: types.table }, file: { ...field, required, type: types.file } };
}

function mergeType(
  table: IcebergType,
  wanted: ColumnType,
  ids: FieldIds,
  name: string,
  outcome: Outcome,
): Merged<IcebergType> {
  if (typeof table !== 'string' && typeof wanted !== 'string') {
    if (table.type === 'struct' && wanted.type === 'struct') {
      const fields = mergeFields(table.fields, wanted.fields, ids, `${name}.`, outcome);
      return { table: struct(fields.table), file: struct(fields.file) };
    }
    if (table.type === 'list' && wanted.type === 'list') {
      const element = mergeType(table.element, wanted.element, ids, `${name}.element`, outcome);
      const required = relaxed(table['element-required'], wanted.elementRequired, `${name}.element`, outcome);
      const shell = { ...table, 'element-required': required };
      return { table: { ...shell, element: element.table }, file: { ...shell, element: element.file } };
    }
    if (table.type === 'map' && wanted.type === 'map') {
      const key = mergeKey(table.key, wanted.key, name, outcome);
      const value = mergeType(table.value, wanted.value, ids, `${name}.value`, outcome);
      const required = relaxed(table['value-required'], wanted.valueRequired, `${name}.value`, outcome);
      const shell = { ...table, key, 'value-required': required };
      return { table: { ...shell, value: value.table }, file: { ...shell, value: value.file } };
    }
  }
  const type = mergePrimitive(table, wanted, name, outcome);
  return { table: type, file: type };
}

const struct = (fields: readonly IcebergField[]): IcebergStruct => ({ type: 'struct', fields });

function relaxed(table: boolean, wanted: boolean, name: string, outcome: Outcome): boolean {
  if (table && !wanted) outcome.changes.push(`column ${name} becomes optional`);
  return table && wanted;
}

/** Map keys may not change at all: a changed key would be another key. */
function mergeKey(table: IcebergType, wanted: ColumnType, name: string, outcome: Outcome): IcebergType {
  const [has, wants] = [typeName(toColumnType(table)), typeName(wanted)];
  if (has !== wants) outcome.refusals.push(`the key of ${name} is ${wants}, the table has ${has}`);
  return table;
}

function mergePrimitive(table: IcebergType, wanted: ColumnType, name: string, outcome: Outcome): IcebergType {
  const has = toColumnType(table);
  if (canHold(has, wanted)) return table;
  if (typeof wanted === 'string' && canHold(wanted, has)) {
    outcome.changes.push(`column ${name} from ${typeName(has)} to ${wanted}`);
    return wanted;
  }
  outcome.refusals.push(`column ${name} is ${typeName(wanted)}, the table has ${typeName(has)}`);
  return table;
}

/** The key stays the table's unless the wanted one can take its place; its columns must stay required. */
function mergedKey(
  table: IcebergSchema,
  wanted: StreamSchema,
  fields: readonly IcebergField[],
  outcome: Outcome,
): readonly number[] {
  const current = table['identifier-field-ids'] ?? [];
  for (const field of fields) {
    if (current.includes(field.id) && !field.required) {
      outcome.refusals.push(`column ${field.name} of the primary key is not required any more`);
    }
  }
  const key = identifierIds(fields, wanted.primaryKey);
  const same = key.length === current.length && key.every((id) => current.includes(id));
  if (key.length === 0 || same) return current;
  outcome.changes.push(
    `primary key (${toStreamSchema(table).primaryKey.join(', ')}) to (${wanted.primaryKey.join(', ')})`,
  );
  return key;
}
