import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { prepareIcebergReader } from './catalog-servers.ts';
import type { TestLake } from './lake.ts';

const run = promisify(execFile);

/**
 * The rows of a table as Iceberg's Java library reads them, see `IcebergReader.java`; and for each condition those that
 * it holds for. Sorted, each row a list of texts. One start of Java for all of them, since that is what takes time.
 */
export async function rowsByJava(
  lake: TestLake,
  table: string,
  conditions: readonly (readonly [column: string, value: string])[] = [],
): Promise<string[][][]> {
  const library = await prepareIcebergReader();
  const program = path.join(import.meta.dirname, 'IcebergReader.java');
  const catalog = path.join(lake.folder, 'catalog.db');
  const { stdout } = await run('java', [
    ...['-Xmx384m', '-Dorg.slf4j.simpleLogger.defaultLogLevel=error', '-cp', path.join(library, '*'), program],
    ...[catalog, lake.warehouse, 'shop', table, ...conditions.flat()],
  ]);
  return stdout.split('\n\n').map((rows) => {
    const lines = rows.split('\n').filter((line) => line !== '');
    return lines.toSorted().map((line) => line.split('\t'));
  });
}
