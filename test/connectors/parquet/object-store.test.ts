import { describe, expect, test } from 'vitest';
import type { IcebergSinkOptions } from '../../../connectors/iceberg/sink.ts';
import { ParquetSink } from '../../../connectors/parquet/sink.ts';
import { LocalStorage } from '../../../connectors/storage/local.ts';
import { S3Storage } from '../../../connectors/storage/s3.ts';
import { change, TestLake } from '../../support/lake.ts';
import { NUMBERS, numbers } from '../../support/numbers.ts';
import { useS3 } from '../../support/s3.ts';

const s3 = useS3();
const makeSink = (options: IcebergSinkOptions) => new ParquetSink(options);

async function openLake(): Promise<TestLake> {
  const warehouse = `s3://${await s3().bucket()}/plain`;
  return TestLake.create(makeSink, { storage: new S3Storage(s3().settings), warehouse });
}

/** What somebody sees who reads all files in the table's folder. */
async function rowsIn(lake: TestLake, table: string): Promise<number[]> {
  const files = await lake.storage.list(`${lake.warehouse}/shop/${table}`);
  const paths = await lake.storage.localise(
    files.map(({ uri }) => uri),
    lake.session,
  );
  const list = paths.map((path) => `'${path}'`).join(', ');
  return (await lake.session.rows(`SELECT n FROM read_parquet([${list}]) ORDER BY n`)).map((row) => Number(row['n']));
}

describe('a plain folder in an object store', () => {
  test('holds the files of the runs, and of a replacement those alone', async () => {
    await using lake = await openLake();
    await lake.write('numbers', NUMBERS, numbers(0, 3), { checkpoint: { at: 3 } });
    await lake.write('numbers', NUMBERS, numbers(3, 5));
    expect(await rowsIn(lake, 'numbers')).toEqual([0, 1, 2, 3, 4]);
    expect((await lake.sink.open('shop', 'numbers')).checkpoint).toEqual({ at: 3 });
    await lake.write('numbers', NUMBERS, numbers(7, 8), { mode: 'replace' });
    expect(await rowsIn(lake, 'numbers')).toEqual([7]);
  });

  test('takes the commits of writers that come at the same time, each once', async () => {
    await using lake = await openLake();
    const staged = await Promise.all(
      Array.from({ length: 6 }, (_, i) => lake.stage('numbers', NUMBERS, numbers(i * 10, i * 10 + 10))),
    );
    await Promise.all(staged.map((one) => lake.sink.commit(one.runId, [change(one)])));
    expect(await rowsIn(lake, 'numbers')).toEqual(Array.from({ length: 60 }, (_, i) => i));
  });

  test('is not begun in a store that lets a second writer replace what the first one wrote', async () => {
    class Forgetful extends LocalStorage {
      override async writeIfAbsent(uri: string, content: Buffer | string): Promise<boolean> {
        await this.replace(uri, content);
        return true;
      }
    }
    await using lake = await TestLake.create((options) => new ParquetSink({ ...options, storage: new Forgetful() }));
    const staged = await lake.stage('numbers', NUMBERS, numbers(0, 1));
    await expect(lake.sink.commit(staged.runId, [change(staged)])).rejects.toMatchObject({ code: 'STORAGE_DENIED' });
    expect((await lake.sink.open('shop', 'numbers')).exists).toBe(false);
  });
});
