/** Merges a staged batch into the table and commits: `node bench/upsert/dativo-merge.ts <lake> <scratch> <batch.json> <result.json>`. */
import { readFile, writeFile } from 'node:fs/promises';
import type { Batch } from './table.ts';
import { BenchLake, TABLE } from './table.ts';

const [folder = '', scratch = '', batchFile = '', resultFile = ''] = process.argv.slice(2);
const { runId, plan, files }: Batch = JSON.parse(await readFile(batchFile, 'utf8'));
const startedAt = performance.now();
await using lake = await BenchLake.open(folder, scratch);
const table = await lake.sink.open(TABLE.namespace, TABLE.table);
const merged = await lake.sink.merge(lake.session, {
  plan,
  rule: { key: ['id'] },
  files,
  replace: false,
  folder: table.dataFolder(runId, 'merge1', 1),
  fileSizeBytes: 160 * 1_048_576,
});
const base = { ...plan.base, snapshotId: merged.baseSnapshotId };
await lake.sink.commit(runId, [
  { plan: { ...plan, base }, mode: 'merge', files: merged.files, removed: merged.removed },
]);
const { removed, updated, rows } = merged;
const seconds = (performance.now() - startedAt) / 1000;
await writeFile(resultFile, JSON.stringify({ removed, updated, rows, seconds }));
