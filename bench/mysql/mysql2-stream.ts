/** The limit: every row of the table of bench:mysql as mysql2 streams it, and nothing done with it. */
import { createConnection } from 'mysql2';

const [url = '', expected = ''] = process.argv.slice(2);
const connection = createConnection({ uri: url, dateStrings: true, supportBigNumbers: true });
let rows = 0;
for await (const _ of connection.query('SELECT * FROM orders').stream({ highWaterMark: 1000 })) rows += 1;
connection.end();
if (rows !== Number(expected)) throw new Error(`${rows} of ${expected} rows`);
