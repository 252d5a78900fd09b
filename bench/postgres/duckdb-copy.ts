/**
 * The plain way, without checks or a commit: `COPY … TO STDOUT` as CSV into a pipe, and DuckDB from there to one Parquet
 * file: `node bench/postgres/duckdb-copy.ts <url> <rows> <folder>`.
 */
import { execFileSync } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { DuckDBInstance } from '@duckdb/node-api';
import { Client } from 'pg';
import { to as copyTo } from 'pg-copy-streams';

const COLUMNS = {
  id: 'BIGINT',
  customer_id: 'INTEGER',
  reference: 'UUID',
  status: 'VARCHAR',
  email: 'VARCHAR',
  note: 'VARCHAR',
  amount: 'DECIMAL(12, 2)',
  tax: 'DECIMAL(10, 4)',
  quantity: 'INTEGER',
  price: 'DOUBLE',
  created_at: 'TIMESTAMP WITH TIME ZONE',
  updated_at: 'TIMESTAMP',
  ordered_on: 'DATE',
  is_paid: 'BOOLEAN',
};

const [url = '', rows = '', folder = ''] = process.argv.slice(2);
const pipe = path.join(folder, 'orders.fifo');
execFileSync('mkfifo', [pipe]);
const client = new Client(url);
await client.connect();
await client.query(`SET TIME ZONE 'UTC'`);
const instance = await DuckDBInstance.create(':memory:');
const connection = await instance.connect();
await connection.run(`SET timezone = 'UTC'`);
const columns = Object.entries(COLUMNS).map(([name, type]) => `'${name}': '${type}'`);
const writing = connection.runAndReadAll(
  `COPY (SELECT * FROM read_csv('${pipe}', header = false, auto_detect = false, quote = '"', escape = '"', delim = ',',
     nullstr = '', allow_quoted_nulls = false, columns = {${columns.join(', ')}}))
   TO '${path.join(folder, 'orders.parquet')}' (FORMAT parquet, COMPRESSION zstd)`,
);
const query = `COPY orders TO STDOUT (FORMAT csv, NULL '', FORCE_QUOTE (status, email, note))`;
await Promise.all([pipeline(client.query(copyTo(query)), createWriteStream(pipe)), writing]);
const [[written] = []] = (await writing).getRowsJson();
if (String(written) !== rows) throw new Error(`DuckDB wrote ${String(written)} rows`);
await client.end();
connection.closeSync();
instance.closeSync();
