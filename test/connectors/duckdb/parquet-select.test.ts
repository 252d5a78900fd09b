import { describe, expect, test } from 'vitest';
import { writeParquet } from '../../../connectors/duckdb/parquet-file.ts';
import { selectFiles } from '../../../connectors/duckdb/parquet-select.ts';
import { assignIds, FieldIds } from '../../../connectors/iceberg/schema.ts';
import { LocalStorage, localPath, localUri } from '../../../connectors/storage/local.ts';
import { openSession, temporaryFolder } from '../../support/duckdb.ts';
import { NUMBERS, numbers } from '../../support/numbers.ts';

const schema = assignIds(NUMBERS, new FieldIds(0));
const storage = new LocalStorage();
const options = { storage, fileSizeBytes: 1e8 };

describe('the files of a table', () => {
  test('are read by their exact paths, whatever characters are in them', async () => {
    await using folder = await temporaryFolder();
    await using session = await openSession();
    for (const name of ['a*c', 'abc', 'a?c', 'a[b]c', "it's 100% é", 'a[*]c']) {
      const [file] = await writeParquet(session, numbers(0, 2), schema, `${localUri(folder.path)}/${name}`, options);
      const rows = await session.rows(selectFiles([localPath(file?.uri ?? '')], schema));
      expect(rows, name).toEqual([{ n: '0' }, { n: '1' }]);
    }
  });

  test('give the columns and no rows when there are none', async () => {
    await using session = await openSession();
    expect(
      await session.rows(`SELECT count(*)::INT AS rows, max(typeof(n)) AS type FROM (${selectFiles([], schema)})`),
    ).toEqual([{ rows: 0, type: null }]);
  });
});

describe('a query that is written as Parquet', () => {
  test('becomes files of the wanted size', async () => {
    await using folder = await temporaryFolder();
    await using session = await openSession();
    const files = await writeParquet(
      session,
      `SELECT (hash(i) >> 1)::BIGINT AS n FROM range(1000000) t(i)`,
      schema,
      localUri(folder.path),
      {
        storage,
        fileSizeBytes: 2e6,
      },
    );
    expect(files.length).toBeGreaterThan(2);
    expect(files.reduce((sum, file) => sum + file.rows, 0)).toBe(1_000_000);
  });

  test('leaves no file when it has no rows', async () => {
    await using folder = await temporaryFolder();
    await using session = await openSession();
    expect(await writeParquet(session, numbers(0, 0), schema, localUri(folder.path), options)).toEqual([]);
    expect(await storage.list(localUri(folder.path))).toEqual([]);
  });
});
