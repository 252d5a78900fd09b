/** DuckDB alone, from CSV to one Parquet file: `node bench/csv/duckdb-copy.ts <csv> <parquet>`; the limit to compare with. */
import { DuckDBInstance } from '@duckdb/node-api';
import { ORDER_COLUMNS } from './generate-orders.ts';

const [source, target] = process.argv.slice(2);
const instance = await DuckDBInstance.create(':memory:');
const connection = await instance.connect();
const columns = Object.entries(ORDER_COLUMNS).map(([name, type]) => `'${name}': '${type}'`);
await connection.run(`SET timezone = 'UTC'`);
await connection.run(
  `COPY (SELECT * FROM read_csv('${source}', header = true, auto_detect = false, delim = ',', quote = '"', escape = '"',
    columns = {${columns.join(', ')}})) TO '${target}' (FORMAT parquet, COMPRESSION zstd)`,
);
connection.closeSync();
instance.closeSync();
