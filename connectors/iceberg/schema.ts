import type { Column, ColumnType, PrimitiveType, StreamSchema } from '../../contracts/schema.ts';
import { PRIMITIVE_TYPES } from '../../contracts/schema.ts';

/** A schema as table metadata holds it (Iceberg spec, appendix C): plain JSON, every field with its id. */
export interface IcebergSchema {
  readonly type: 'struct';
  readonly 'schema-id': number;
  readonly 'identifier-field-ids'?: readonly number[];
  readonly fields: readonly IcebergField[];
}

export interface IcebergField {
  readonly id: number;
  readonly name: string;
  readonly required: boolean;
  readonly type: IcebergType;
  readonly doc?: string | undefined;
}

export interface IcebergStruct {
  readonly type: 'struct';
  readonly fields: readonly IcebergField[];
}

export interface IcebergList {
  readonly type: 'list';
  readonly 'element-id': number;
  readonly 'element-required': boolean;
  readonly element: IcebergType;
}

export interface IcebergMap {
  readonly type: 'map';
  readonly 'key-id': number;
  readonly key: IcebergType;
  readonly 'value-id': number;
  readonly 'value-required': boolean;
  readonly value: IcebergType;
}

export type IcebergType = PrimitiveType | IcebergStruct | IcebergList | IcebergMap;

/** Gives out field ids; `last` is the table's `last-column-id`. */
export class FieldIds {
  last: number;

  constructor(last: number) {
    this.last = last;
  }

  next(): number {
    this.last += 1;
    return this.last;
  }
}

/**
 * A new table's schema. Ids are given level by level as the reference implementation does: all columns of a
 * struct first, then what is nested in each.
 */
export function assignIds(schema: StreamSchema, ids: FieldIds): IcebergSchema {
  const fields = identifyFields(schema.columns, ids);
  return {
    type: 'struct',
    'schema-id': 0,
    'identifier-field-ids': identifierIds(fields, schema.primaryKey),
    fields,
  };
}

/** Ids of the key's columns, or none unless all of them are required columns of a comparable type. */
export function identifierIds(fields: readonly IcebergField[], primaryKey: readonly string[]): number[] {
  const key = primaryKey.map((name) => fields.find((field) => field.name === name));
  const ids = key.flatMap((field) => (field !== undefined && canIdentify(field) ? [field.id] : []));
  return ids.length === primaryKey.length ? ids : [];
}

/** Spec, "Identifier Field IDs": primitive, required, and neither float nor double. */
function canIdentify(field: IcebergField): boolean {
  return field.required && typeof field.type === 'string' && field.type !== 'float' && field.type !== 'double';
}

export function identifyFields(columns: readonly Column[], ids: FieldIds): IcebergField[] {
  const numbered = columns.map((column) => ({ id: ids.next(), column }));
  return numbered.map(({ id, column }) => ({
    id,
    name: column.name,
    required: column.required,
    type: identifyType(column.type, ids),
    ...(column.doc === undefined ? {} : { doc: column.doc }),
  }));
}

export function identifyType(type: ColumnType, ids: FieldIds): IcebergType {
  if (typeof type === 'string') return type;
  switch (type.type) {
    case 'struct':
      return { type: 'struct', fields: identifyFields(type.fields, ids) };
    case 'list': {
      const id = ids.next();
      const element = identifyType(type.element, ids);
      return { type: 'list', 'element-id': id, element, 'element-required': type.elementRequired };
    }
    case 'map': {
      const [keyId, valueId] = [ids.next(), ids.next()];
      const key = identifyType(type.key, ids);
      const value = identifyType(type.value, ids);
      return { type: 'map', 'key-id': keyId, key, 'value-id': valueId, value, 'value-required': type.valueRequired };
    }
  }
}

/** The schema without its ids. */
export function toStreamSchema(schema: IcebergSchema): StreamSchema {
  const key = schema['identifier-field-ids'] ?? [];
  return {
    columns: schema.fields.map(toColumn),
    primaryKey: key.flatMap((id) => schema.fields.filter((field) => field.id === id).map((field) => field.name)),
  };
}

function toColumn(field: IcebergField): Column {
  const { name, required, doc } = field;
  return { name, type: toColumnType(field.type), required, ...(doc === undefined ? {} : { doc }) };
}

export function toColumnType(type: IcebergType): ColumnType {
  if (typeof type === 'string') return type;
  switch (type.type) {
    case 'struct':
      return { type: 'struct', fields: type.fields.map(toColumn) };
    case 'list':
      return { type: 'list', element: toColumnType(type.element), elementRequired: type['element-required'] };
    case 'map':
      return {
        type: 'map',
        key: toColumnType(type.key),
        value: toColumnType(type.value),
        valueRequired: type['value-required'],
      };
  }
}

/** A primitive type in the spelling of `contracts/schema.ts`, or undefined for a name that version 2 does not have. */
export function primitiveFromName(name: string): PrimitiveType | undefined {
  const plain = PRIMITIVE_TYPES.find((known) => known === name);
  if (plain !== undefined) return plain;
  const spaced = name.replace(/^decimal\(\s*(\d+)\s*,\s*(\d+)\s*\)$/, 'decimal($1, $2)');
  return isParametric(spaced) ? spaced : undefined;
}

function isParametric(name: string): name is `decimal(${number}, ${number})` | `fixed[${number}]` {
  return /^decimal\(\d+, \d+\)$/.test(name) || /^fixed\[\d+\]$/.test(name);
}

/** True when both describe the same columns with the same ids; documentation and schema id aside. */
export function sameSchema(a: IcebergSchema, b: IcebergSchema): boolean {
  return shape(a.fields) === shape(b.fields);
}

function shape(fields: readonly IcebergField[]): string {
  return fields.map((f) => `${f.id} ${JSON.stringify(f.name)} ${f.required} ${typeShape(f.type)}`).join(',');
}

function typeShape(type: IcebergType): string {
  if (typeof type === 'string') return type;
  switch (type.type) {
    case 'struct':
      return `{${shape(type.fields)}}`;
    case 'list':
      return `[${type['element-id']} ${type['element-required']} ${typeShape(type.element)}]`;
    case 'map':
      return `<${type['key-id']} ${typeShape(type.key)} ${type['value-id']} ${type['value-required']} ${typeShape(type.value)}>`;
  }
}

/** The highest id that a schema uses, 0 for none. */
export function lastFieldId(schema: IcebergSchema): number {
  return Math.max(0, ...fieldIdsOf(schema.fields));
}

/** Ids of all fields, elements, keys and values. */
export function fieldIdsOf(fields: readonly IcebergField[]): number[] {
  return fields.flatMap((field) => [field.id, ...idsIn(field.type)]);
}

function idsIn(type: IcebergType): number[] {
  if (typeof type === 'string') return [];
  switch (type.type) {
    case 'struct':
      return fieldIdsOf(type.fields);
    case 'list':
      return [type['element-id'], ...idsIn(type.element)];
    case 'map':
      return [type['key-id'], type['value-id'], ...idsIn(type.key), ...idsIn(type.value)];
  }
}
