/**
 * The limit: one hand-written statement that rewrites files which it is told, from the same batch and with the same memory:
 * `node bench/upsert/duckdb-merge.ts <target folder> <scratch> <batch parquet> <result.json> <file>…`.
 */
import { writeFile } from 'node:fs/promises';
import { DuckDBInstance } from '@duckdb/node-api';

const [target, scratch, batch, resultFile = '', ...files] = process.argv.slice(2);
const list = files.map((file) => `'${file}'`).join(', ');
const startedAt = performance.now();
const instance = await DuckDBInstance.create(':memory:', {
  threads: '2',
  memory_limit: '256MiB',
  temp_directory: scratch ?? '',
});
const connection = await instance.connect();
await connection.run(`
  COPY (
    SELECT s.id, if(i.hit, i.customer, s.customer) AS customer, if(i.hit, i.amount, s.amount) AS amount,
      if(i.hit, i.updated_at, s.updated_at) AS updated_at, if(i.hit, i.note, s.note) AS note
    FROM read_parquet([${list}]) s LEFT JOIN (SELECT *, true AS hit FROM read_parquet('${batch}')) i ON s.id = i.id
    UNION ALL
    SELECT b.* FROM read_parquet('${batch}') b ANTI JOIN read_parquet([${list}]) s ON s.id = b.id
  ) TO '${target}' (FORMAT parquet, COMPRESSION zstd, FILE_SIZE_BYTES ${160 * 1_048_576})`);
connection.closeSync();
instance.closeSync();
await writeFile(resultFile, JSON.stringify({ seconds: (performance.now() - startedAt) / 1000 }));
