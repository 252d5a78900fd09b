/** The limit: every row of the table of bench:mysql as mysql2 streams it, and nothing done with it. */
import { writeFile } from 'node:fs/promises';
import { createConnection } from 'mysql2';

const [url = '', resultFile = ''] = process.argv.slice(2);
const connection = createConnection({ uri: url, dateStrings: true, supportBigNumbers: true });
const startedAt = performance.now();
let rows = 0;
for await (const _ of connection.query('SELECT * FROM orders').stream({ highWaterMark: 1000 })) rows += 1;
const seconds = (performance.now() - startedAt) / 1000;
connection.end();
await writeFile(resultFile, JSON.stringify({ rows, seconds }));
