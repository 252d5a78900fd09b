import { promises as fs } from 'node:fs';
import path from 'node:path';
import { BugError } from '../../contracts/errors.ts';
import type { Layout, PartitionKey, SortKey } from '../iceberg/layout.ts';
import { requireOnePartition } from '../iceberg/one-partition.ts';
import { writeTuple } from '../iceberg/partition.ts';
import { partitionFolder } from '../iceberg/partition-folder.ts';
import type { IcebergSchema } from '../iceberg/schema.ts';
import type { PartitionValue } from '../iceberg/transform.ts';
import { resultType } from '../iceberg/transform.ts';
import { storageError } from '../storage/errors.ts';
import type { CopiedFile, CopyTarget } from './copy-parquet.ts';
import { copyToParquet } from './copy-parquet.ts';
import { HashFunctions } from './hash-functions.ts';
import type { PartitionSql } from './partition-sql.ts';
import { partitionSql } from './partition-sql.ts';
import type { DuckDbSession } from './session.ts';
import { identifier } from './sql.ts';

/** The rows between reading and writing, and the columns in it that they are divided by. */
const STAGED = '__dativo_staged';
const PARTITION = '__dativo_partition_';

export interface LayoutTarget extends CopyTarget {
  readonly onProgress?: () => void;
}

/**
 * Like `copyToParquet`, with the rows of each partition in files of their own, in a folder that is named by it, and
 * sorted as the layout says.
 *
 * The rows are sorted by partition into a temporary table, which DuckDB spills to disk beyond its memory, and each
 * partition's stretch of it is written with the file size as its target. DuckDB's own PARTITION_BY takes no file size,
 * keeps no order within a file, and cuts partitions into files of some hundred rows once there are a thousand of them.
 */
export async function copyInLayout(
  session: DuckDbSession,
  select: string,
  schema: IcebergSchema,
  layout: Layout,
  { onProgress, ...target }: LayoutTarget,
): Promise<CopiedFile[]> {
  using hashes = new HashFunctions(session);
  const parts = layout.partition.map((key, index) => partOf(key, index, schema, hashes));
  const sort = (layout.sort ?? []).map((key) => sortSql(key, schema));
  const added = parts.flatMap(({ sql, column }) => (sql.value === column ? [] : [`, ${sql.value} AS ${column}`]));
  const order = [...parts.map(({ column }) => `${column} NULLS FIRST`), ...sort];
  await session.run(
    `CREATE OR REPLACE TEMP TABLE ${STAGED} AS SELECT *${added.join('')} FROM (${select}) ORDER BY ${order.join(', ')}`,
  );
  const stretches = await findStretches(session, parts);
  const written: CopiedFile[] = [];
  const copyAll = async () => {
    const taken = new Set<string>();
    for (const stretch of stretches) {
      onProgress?.();
      const folder = freeFolder(partitionFolder(parts, stretch.tuple), taken);
      written.push(...(await copyStretch(session, schema, parts, stretch, { ...target, folder })));
    }
  };
  // With more threads the row groups of a file come in any order.
  if (sort.length > 0) await withOneThread(session, copyAll);
  else await copyAll();
  await session.run(`DROP TABLE ${STAGED}`);
  return written;
}

/** One part of the partition tuple. */
interface Part {
  readonly key: PartitionKey;
  readonly type: ReturnType<typeof resultType>;
  readonly sourceType: ReturnType<typeof resultType>;
  readonly sql: PartitionSql;
  /** Name of the column of the staged rows that holds it, quoted. */
  readonly column: string;
}

function partOf(key: PartitionKey, index: number, schema: IcebergSchema, hashes: HashFunctions): Part {
  const source = schema.fields.find(({ id }) => id === key.sourceId);
  const sourceType = source === undefined && key.transform === 'void' ? 'string' : source?.type;
  if (typeof sourceType !== 'string') throw new RangeError('a partition of a column that is not written');
  const sql = partitionSql(key.transform, sourceType, identifier(source?.name ?? ''), hashes);
  const column = sql.value === identifier(source?.name ?? '') ? sql.value : `${PARTITION}${index}`;
  return { key, sourceType, type: resultType(key.transform, sourceType), sql, column };
}

function sortSql({ sourceId, direction, nulls }: SortKey, schema: IcebergSchema): string {
  const source = schema.fields.find(({ id }) => id === sourceId);
  if (source === undefined) throw new RangeError('a sort column that is not written');
  const column = identifier(source.name);
  const order = `${column} ${direction} NULLS ${nulls}`;
  // -0.0 comes before 0.0 in Iceberg's order, and is its equal in DuckDB's.
  const isFloating = source.type === 'float' || source.type === 'double';
  return isFloating
    ? `${order}, (${column} = 0 AND signbit(${column})) ${direction === 'asc' ? 'DESC' : 'ASC'}`
    : order;
}

/** The rows of one partition, which follow each other in the staged table. */
interface Stretch {
  readonly tuple: readonly PartitionValue[];
  readonly first: number;
  readonly rows: number;
}

async function findStretches(session: DuckDbSession, parts: readonly Part[]): Promise<readonly Stretch[]> {
  const texts = parts.map(({ sql, column }, index) => `${sql.text(column)} AS t${index}, `);
  const group = parts.length === 0 ? '' : `GROUP BY ${parts.map(({ column }) => column).join(', ')} `;
  const found = await session.rows(
    `SELECT ${texts.join('')}min(rowid)::BIGINT AS first, count(*)::BIGINT AS rows FROM ${STAGED} ${group}ORDER BY first`,
  );
  let next = 0;
  const stretches = found.flatMap((row): Stretch[] => {
    const [first, rows] = [Number(row['first'] ?? 0), Number(row['rows'])];
    if (rows === 0) return [];
    if (first !== next) throw scattered(first, next);
    next += rows;
    return [{ first, rows, tuple: parts.map(({ sql }, index) => valueOf(sql, row[`t${index}`])) }];
  });
  return stretches;
}

function valueOf(sql: PartitionSql, text: unknown): PartitionValue {
  const value = sql.read(typeof text === 'string' ? text : null);
  if (value === undefined) throw new RangeError('a partition value that no table can have');
  return value;
}

async function copyStretch(
  session: DuckDbSession,
  schema: IcebergSchema,
  parts: readonly Part[],
  { tuple, first, rows }: Stretch,
  target: CopyTarget,
): Promise<CopiedFile[]> {
  const columns = schema.fields.map(({ name }) => identifier(name)).join(', ');
  await makeFolders(target);
  const files = await copyToParquet(
    session,
    `SELECT ${columns} FROM ${STAGED} WHERE rowid BETWEEN ${first} AND ${first + rows - 1}`,
    schema,
    target,
  );
  const partition = writeTuple(parts, tuple);
  return files.map((file) => {
    requireOnePartition(file, parts, tuple);
    return { ...file, partition };
  });
}

/** Two partitions may differ only in what is cut off, in case, or in being null and the text "null". */
function freeFolder(wanted: string, taken: Set<string>): string {
  let folder = wanted;
  for (let copy = 2; taken.has(folder.toLowerCase()); copy++) folder = `${wanted}~${copy}`;
  taken.add(folder.toLowerCase());
  return folder;
}

/** Errors name the folder of the attempt alone: the names of partitions are values of rows. */
async function makeFolders({ root, folder = '' }: CopyTarget): Promise<void> {
  try {
    await fs.mkdir(path.join(root, folder), { recursive: true });
  } catch (error) {
    throw storageError(error, 'creating folders in', root);
  }
}

async function withOneThread(session: DuckDbSession, work: () => Promise<void>): Promise<void> {
  const [before] = await session.rows(`SELECT current_setting('threads')::INTEGER AS threads`);
  await session.set('threads', '1');
  await work();
  await session.set('threads', String(before?.['threads']));
}

function scattered(found: number, expected: number): BugError {
  return new BugError('UNEXPECTED', {
    received: `a partition that begins at row ${found} of the sorted rows`,
    expected: `row ${expected}, where the one before it ends`,
    next: 'report it together with the job file; nothing was committed',
  });
}
