import type { ColumnType } from './schema.ts';
import { decimalParts, fixedLength } from './schema.ts';

/** One field of a table's partitioning: a transform in Iceberg's own spelling (`day`, `bucket[16]`) of a column. */
export interface PartitionField {
  readonly transform: string;
  readonly column: string;
}

interface TransformRule {
  /** What stands before the column: `bucket(16, id)`. */
  readonly parameter?: string;
  readonly accepts: (type: string) => boolean;
  /** The types that it accepts, in the words of an error message. */
  readonly types: string;
}

const oneOf =
  (...names: readonly string[]) =>
  (type: string) =>
    names.includes(type);
const isDecimal = (type: string) => type === 'decimal';
const TIMES = 'a date or timestamp';

/** The transforms of the spec ("Partition Transforms") and the types that each takes. */
const TRANSFORMS: Readonly<Record<string, TransformRule>> = {
  identity: { accepts: () => true, types: 'any type but a nested one' },
  year: { accepts: oneOf('date', 'timestamp', 'timestamptz'), types: TIMES },
  month: { accepts: oneOf('date', 'timestamp', 'timestamptz'), types: TIMES },
  day: { accepts: oneOf('date', 'timestamp', 'timestamptz'), types: TIMES },
  hour: { accepts: oneOf('timestamp', 'timestamptz'), types: 'a timestamp' },
  bucket: {
    parameter: '16',
    accepts: (type) => !oneOf('boolean', 'float', 'double')(type),
    types: 'any type but boolean, float, double and nested ones',
  },
  truncate: {
    parameter: '10',
    accepts: (type) => isDecimal(type) || oneOf('int', 'long', 'string', 'binary')(type),
    types: 'int, long, decimal, string or binary',
  },
  void: { accepts: () => true, types: 'any type but a nested one' },
};

/** Spark's spelling of the same. */
const PLURALS: Readonly<Record<string, string>> = { years: 'year', months: 'month', days: 'day', hours: 'hour' };

/** The highest parameter of a transform: the spec's are 32-bit integers. */
const MAX_PARAMETER = 2 ** 31 - 1;

/** What a text of `partition_by` is not: the clause that says what was expected, and what may have been meant. */
export interface NotPartitionField {
  readonly expected: string;
  readonly allowed: readonly string[];
}

const CALL = /^([a-z_]\w*)\s*\((.*)\)$/i;
const PARAMETER_FIRST = /^(\d+)\s*,\s*(.+)$/;
const PARAMETER_LAST = /^(.+?)\s*,\s*(\d+)$/;

/**
 * Reads `day(created_at)`, `bucket(16, id)`, `truncate(10, name)` (the number may also come last, as Trino has it), or
 * a column alone, which is partitioned by its values. A column is put in double quotes or backticks where its name
 * could be read as something else.
 */
export function parsePartitionField(text: string): PartitionField | NotPartitionField {
  const call = CALL.exec(text.trim());
  if (call === null) return wholeColumn(text);
  const written = (call[1] ?? '').toLowerCase();
  const name = PLURALS[written] ?? written;
  const inside = (call[2] ?? '').trim();
  const rule = Object.hasOwn(TRANSFORMS, name) ? TRANSFORMS[name] : undefined;
  if (rule === undefined) {
    const names = Object.keys(TRANSFORMS);
    return { expected: `a column, or ${names.join(', ')} of one`, allowed: names.map((one) => `${one}(${inside})`) };
  }
  if (rule.parameter === undefined) {
    return inside === ''
      ? { expected: `a column in it, such as ${name}(created_at)`, allowed: [] }
      : { transform: name, column: unquoted(inside) };
  }
  const first = PARAMETER_FIRST.exec(inside);
  const last = first === null ? PARAMETER_LAST.exec(inside) : null;
  const [parameter, column] = first === null ? [last?.[2], last?.[1]] : [first[1], first[2]];
  const size = Number(parameter);
  if (column === undefined || !(size >= 1 && size <= MAX_PARAMETER)) {
    const example = `${name}(${rule.parameter}, ${inside === '' || inside.includes(',') ? 'id' : inside})`;
    return { expected: `a number from 1 to ${MAX_PARAMETER} and a column, such as ${example}`, allowed: [] };
  }
  return { transform: `${name}[${size}]`, column: unquoted(column) };
}

function wholeColumn(text: string): PartitionField | NotPartitionField {
  const column = unquoted(text);
  const isCut = column === text.trim() && /^\w+\(|\)$/.test(column);
  if (column !== '' && !isCut) return { transform: 'identity', column };
  return { expected: 'a column, or a whole transform of one, such as "bucket(16, id)"', allowed: [] };
}

/** As the user writes it: `bucket(16, id)`. */
export function showPartitionField({ transform, column }: PartitionField): string {
  if (transform === 'identity') return column;
  const { name, parameter } = transformParts(transform);
  return parameter === undefined ? `${name}(${column})` : `${name}(${parameter}, ${column})`;
}

/** Name and number of a transform in Iceberg's spelling. */
export function transformParts(transform: string): { readonly name: string; readonly parameter: number | undefined } {
  const match = /^(\w+)\[(\d+)\]$/.exec(transform);
  return match === null
    ? { name: transform, parameter: undefined }
    : { name: match[1] ?? '', parameter: Number(match[2]) };
}

/** What is wrong with partitioning a column of that type, as the types that would do; undefined when nothing is. */
export function typesWanted(transform: string, type: ColumnType): string | undefined {
  const rule = TRANSFORMS[transformParts(transform).name];
  if (rule === undefined) return 'a transform that this version knows';
  const kind = kindOf(type);
  return kind !== undefined && rule.accepts(kind) ? undefined : rule.types;
}

/** What is wrong with a list of fields as such; undefined when nothing is. */
export function repeatedField(fields: readonly PartitionField[]): { index: number; reason: string } | undefined {
  for (const [index, field] of fields.entries()) {
    const earlier = fields.slice(0, index).find((one) => one.column === field.column && sayTheSame(one, field));
    if (earlier === undefined) continue;
    const [here, there] = [showPartitionField(field), showPartitionField(earlier)];
    const reason = here === there ? `${here} a second time` : `${here} beside ${there}, which divides the same time`;
    return { index, reason };
  }
  return undefined;
}

const TIME_TRANSFORMS = ['year', 'month', 'day', 'hour'];

/** The spec's reference implementation refuses two time transforms of one column: the finer one says it all. */
function sayTheSame(a: PartitionField, b: PartitionField): boolean {
  const times = TIME_TRANSFORMS.includes(a.transform) && TIME_TRANSFORMS.includes(b.transform);
  return times || a.transform === b.transform;
}

function kindOf(type: ColumnType): string | undefined {
  if (typeof type !== 'string') return undefined;
  if (decimalParts(type)) return 'decimal';
  return fixedLength(type) === undefined ? type : 'fixed';
}

const QUOTED = /^(?:"((?:[^"]|"")+)"|`([^`]+)`)$/;

/** The name of a column without the quotes around it. */
export function unquoted(text: string): string {
  const match = QUOTED.exec(text.trim());
  return match === null ? text.trim() : (match[1]?.replaceAll('""', '"') ?? match[2] ?? '');
}
