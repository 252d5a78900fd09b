import { parseColumnType } from '../contracts/column-type-names.ts';
import type { ErrorParts } from '../contracts/errors.ts';
import { nearest } from '../contracts/nearest.ts';
import type { OdcsContract, OdcsItem, OdcsObject, OdcsProperty } from '../contracts/odcs.ts';
import type { Column, ColumnType, StreamSchema } from '../contracts/schema.ts';
import type { KeyPath } from './json-tree.ts';

/** Something that keeps a contract from describing an object's columns, at a path of the contract. */
export interface ContractFinding extends ErrorParts {
  readonly path: KeyPath;
}

/** Which element of a contract is meant: the object, or the asset it belongs to. */
export interface ContractSubject {
  readonly object: string;
  readonly asset: string;
  /** True for the only object of a job: then a contract with one element means it, whatever its name. */
  readonly only: boolean;
}

type Found<T> = { readonly value?: T; readonly findings: readonly ContractFinding[] };

/**
 * The columns that a contract gives an object. A column has the name that the data has: `physicalName`, else `name`.
 * `physicalType` says its type where it is the name of one, else `logicalType` does (ODCS v3.0.2, "Schema").
 */
export function contractSchema(contract: OdcsContract, subject: ContractSubject): Found<StreamSchema> {
  const { value: index, findings } = findElement(contract.schema ?? [], subject);
  const element = index === undefined ? undefined : contract.schema?.[index];
  if (index === undefined || element === undefined) return { findings };
  const properties = element.properties ?? [];
  const path: KeyPath = ['schema', index, 'properties'];
  if (properties.length === 0) {
    const received = `the contract gives "${element.name}" no columns`;
    return { findings: [{ path, received, expected: 'properties with at least one column', next: 'add its columns' }] };
  }
  const columns = columnsOf(properties, path);
  if (!columns.value) return { findings: columns.findings };
  const primaryKey = properties
    .filter((property) => property.primaryKey === true)
    .toSorted((a, b) => (a.primaryKeyPosition ?? 0) - (b.primaryKeyPosition ?? 0))
    .map((property) => property.physicalName ?? property.name);
  return { value: { columns: columns.value, primaryKey }, findings: [] };
}

function findElement(elements: readonly OdcsObject[], subject: ContractSubject): Found<number> {
  const named = (name: string) => elements.findIndex((e) => e.name === name || e.physicalName === name);
  const byObject = named(subject.object);
  const index = byObject >= 0 || !subject.only ? byObject : named(subject.asset);
  if (index >= 0) return { value: index, findings: [] };
  if (subject.only && elements.length === 1) return { value: 0, findings: [] };
  const names = elements.map((element) => element.name);
  const near = nearest(subject.object, names);
  const finding: ContractFinding = {
    path: ['schema'],
    received: `the contract describes no "${subject.object}"`,
    expected: names.length > 0 ? `one of its elements ${names.join(', ')}` : 'an element of that name under schema',
    next: near === undefined ? 'add an element of that name' : `rename the object or the element "${near}"`,
  };
  return { findings: [finding] };
}

function columnsOf(properties: readonly OdcsProperty[], path: KeyPath): Found<Column[]> {
  const findings: ContractFinding[] = [];
  const columns: Column[] = [];
  properties.forEach((property, index) => {
    const name = property.physicalName ?? property.name;
    if (columns.some((column) => column.name.toLowerCase() === name.toLowerCase())) {
      const received = `the column "${name}" stands in the contract twice (the case of letters does not count)`;
      findings.push({ path: [...path, index], received, expected: 'each column once', next: 'remove one of the two' });
      return;
    }
    const type = typeOf(property, [...path, index]);
    findings.push(...type.findings);
    if (type.value === undefined) return;
    const required = property.required ?? property.primaryKey ?? false;
    const doc = property.description;
    columns.push({ name, type: type.value, required, ...(doc === undefined ? {} : { doc }) });
  });
  return findings.length > 0 ? { findings } : { value: columns, findings };
}

function typeOf(property: OdcsProperty | OdcsItem, path: KeyPath): Found<ColumnType> {
  const { physicalType } = property;
  const physical = physicalType === undefined ? undefined : parseColumnType(physicalType);
  if (physical !== undefined) return { value: physical, findings: [] };
  if (physicalType !== undefined && /^(decimal|numeric)\b/i.test(physicalType)) {
    const received = `the physicalType "${physicalType}" does not say how many digits it has, or too many`;
    const expected = 'precision (1 to 38) and scale, such as decimal(12, 2)';
    return { findings: [{ path: [...path, 'physicalType'], received, expected, next: 'write both in parentheses' }] };
  }
  return logicalTypeOf(property, path);
}

function logicalTypeOf(property: OdcsProperty | OdcsItem, path: KeyPath): Found<ColumnType> {
  const format = property.logicalTypeOptions?.['format'];
  const formatText = typeof format === 'string' ? format : undefined;
  switch (property.logicalType) {
    case 'string':
      return { value: 'string', findings: [] };
    case 'boolean':
      return { value: 'boolean', findings: [] };
    case 'integer':
      return { value: INTEGER_OF_FORMAT[formatText ?? ''] ?? 'long', findings: [] };
    case 'number':
      return { value: formatText === 'f32' ? 'float' : 'double', findings: [] };
    case 'date':
      return { value: temporalType(formatText, property.physicalType), findings: [] };
    case 'object':
      return structOf(property, path);
    case 'array':
      return listOf(property, path);
    default:
      return { findings: [untyped(property, path)] };
  }
}

function untyped(property: OdcsProperty | OdcsItem, path: KeyPath): ContractFinding {
  return {
    path,
    received: `the column "${property.physicalName ?? property.name ?? 'items'}" has no type that is known`,
    expected: 'a logicalType, or a physicalType such as bigint, decimal(12, 2) or timestamptz',
    next: 'add one of the two',
  };
}

/** Sizes of ODCS's integer formats; a type keeps every value of its format. */
const INTEGER_OF_FORMAT: Readonly<Record<string, ColumnType>> = {
  i8: 'int',
  i16: 'int',
  i32: 'int',
  u8: 'int',
  u16: 'int',
  u32: 'long',
  i64: 'long',
  u64: 'decimal(20, 0)',
  i128: 'decimal(38, 0)',
  u128: 'decimal(38, 0)',
};

/** ODCS v3.0 knows only `date`; the letters of its format (java.time.format.DateTimeFormatter) tell the rest. */
function temporalType(format: string | undefined, physicalType: string | undefined): ColumnType {
  const letters = (format ?? '').replace(/'[^']*'/g, '');
  const hasTime = /[HhKkmsSAnN]/.test(letters);
  const hasDate = /[yuMdDQwWeE]/.test(letters);
  if (hasTime && !hasDate) return 'time';
  if (hasTime) return /[XxZzVO]/.test(letters) ? 'timestamptz' : 'timestamp';
  return /timestamp|datetime/i.test(physicalType ?? '') ? 'timestamp' : 'date';
}

/** An object without properties has no fields to store: it is kept as its JSON text. */
function structOf(property: OdcsProperty | OdcsItem, path: KeyPath): Found<ColumnType> {
  if (!property.properties || property.properties.length === 0) return { value: 'string', findings: [] };
  const fields = columnsOf(property.properties, [...path, 'properties']);
  return fields.value
    ? { value: { type: 'struct', fields: fields.value }, findings: [] }
    : { findings: fields.findings };
}

function listOf(property: OdcsProperty | OdcsItem, path: KeyPath): Found<ColumnType> {
  const { items } = property;
  if (!items) return { value: { type: 'list', element: 'string', elementRequired: false }, findings: [] };
  const element = typeOf(items, [...path, 'items']);
  if (element.value === undefined) return { findings: element.findings };
  return { value: { type: 'list', element: element.value, elementRequired: items.required ?? false }, findings: [] };
}
