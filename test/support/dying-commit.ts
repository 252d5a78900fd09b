/**
 * A process that commits to a lake and kills itself with SIGKILL at a named point of the commit, as a power cut would.
 * Arguments: warehouse folder, point, run id, attempt, how many numbers to write to `shop.numbers` and `shop.squares`.
 */

import { writeParquet } from '../../connectors/duckdb/parquet-file.ts';
import type { CommitPoint } from '../../connectors/iceberg/commit.ts';
import { IcebergSink } from '../../connectors/iceberg/sink.ts';
import { LocalStorage, localUri } from '../../connectors/storage/local.ts';
import { openSession } from './duckdb.ts';
import { change } from './lake.ts';
import { NUMBERS } from './numbers.ts';

const [folder = '', point = '', runId = '', attempt = '1', count = '0'] = process.argv.slice(2);

function dieAt(reached: CommitPoint): void {
  if (reached === point) process.kill(process.pid, 'SIGKILL');
}

const storage = new LocalStorage();
const sink = new IcebergSink({ storage, warehouse: localUri(folder), reached: dieAt });
await using session = await openSession();
const changes = [];
for (const table of ['numbers', 'squares']) {
  const opened = await sink.open('shop', table);
  const plan = opened.prepare(NUMBERS, { evolve: false });
  const files = await writeParquet(
    session,
    `SELECT i AS n FROM range(${Number(count)}) t(i)`,
    plan.fileSchema,
    opened.dataFolder(runId, 'c00000', Number(attempt)),
    { storage, fileSizeBytes: 1e8 },
  );
  changes.push(change({ plan, files }));
}
const receipts = await sink.commit(runId, changes);
process.stdout.write(JSON.stringify(receipts));
sink.close();
