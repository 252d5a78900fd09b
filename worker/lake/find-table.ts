import type { IcebergReader } from '../../connectors/iceberg/reader.ts';
import type { TableName } from '../../connectors/sink.ts';
import type { DativoError } from '../../contracts/errors.ts';
import { fail } from '../../contracts/errors.ts';
import { RUNS_NAMESPACE } from '../../contracts/ids.ts';
import type { LakeAddress } from '../../contracts/lake-view.ts';
import { editDistance, nearest } from '../../contracts/nearest.ts';

/** More names than this are not read in an error. */
const MAX_LISTED = 10;

/** Every table of the lake, those of Dativo itself last. */
export async function listTables(reader: IcebergReader): Promise<TableName[]> {
  const namespaces = (await reader.namespaces()).toSorted();
  const own = namespaces.filter((namespace) => namespace === RUNS_NAMESPACE);
  const tables: TableName[] = [];
  for (const namespace of [...namespaces.filter((name) => name !== RUNS_NAMESPACE), ...own]) {
    tables.push(...(await reader.tables(namespace)).toSorted().map((table) => ({ namespace, table })));
  }
  return tables;
}

/**
 * The tables that a name may stand for: `[namespace, table]`, or `[table]`, which is looked for in the lake's own
 * namespace first and then in all that users write to. None, or one, or several of one name in different namespaces.
 */
export async function findTables(
  reader: IcebergReader,
  lake: LakeAddress,
  parts: readonly string[],
): Promise<TableName[]> {
  const [first = '', second, ...more] = parts;
  if (more.length > 0) return [];
  const own = second === undefined ? lake.namespace : first;
  if (own !== undefined && (await reader.tables(own)).includes(second ?? first))
    return [{ namespace: own, table: second ?? first }];
  if (second !== undefined) return [];
  const tables = await listTables(reader);
  return tables.filter(({ namespace, table }) => table === first && namespace !== RUNS_NAMESPACE);
}

/** The one table of that name. Throws TABLE_NOT_FOUND, QUERY_INVALID when there are several. */
export async function findTable(
  reader: IcebergReader,
  lake: LakeAddress,
  parts: readonly string[],
): Promise<TableName> {
  const [found, ...others] = await findTables(reader, lake, parts);
  if (found === undefined) throw await unknownTable(reader, parts);
  if (others.length > 0) throw severalTables(parts, [found, ...others]);
  return found;
}

export function severalTables(parts: readonly string[], tables: readonly TableName[]): DativoError {
  return fail('QUERY_INVALID', {
    received: `the table ${parts.join('.')}, of which there are ${tables.length}`,
    expected: oneOf(tables.map(label)),
    next: 'write the namespace before the name',
  });
}

/** What to say of a table that is not there: those that are, the nearest first. */
export async function unknownTable(reader: IcebergReader, parts: readonly string[]): Promise<DativoError> {
  const known = await listTables(reader);
  const word = parts.join('.');
  const spelling = (name: TableName) => (parts.length > 1 ? label(name) : name.table);
  const ranked = known.toSorted((a, b) => editDistance(word, spelling(a)) - editDistance(word, spelling(b)));
  const meant =
    nearest(word, known.map(spelling)) ??
    nearest(
      parts.at(-1) ?? '',
      known.map(({ table }) => table),
    );
  const meantTable = ranked.find((name) => spelling(name) === meant || name.table === meant);
  const more = known.length > MAX_LISTED ? `, and ${known.length - MAX_LISTED} more` : '';
  return fail('TABLE_NOT_FOUND', {
    received: `the table ${word}, which this lake does not have`,
    expected: known.length === 0 ? 'a lake with tables' : `${oneOf(ranked.slice(0, MAX_LISTED).map(label))}${more}`,
    next: meantTable
      ? `did you mean ${label(meantTable)}? Else choose another lake with --warehouse or --job`
      : 'correct the name, or choose another lake with --warehouse or --job',
  });
}

function oneOf(names: readonly string[]): string {
  return names.length === 1 ? names.join() : `one of ${names.join(', ')}`;
}

function label({ namespace, table }: TableName): string {
  return `${namespace}.${table}`;
}
