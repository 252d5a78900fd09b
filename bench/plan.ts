/**
 * `npm run bench:plan [-- files]`: how long it takes to plan a run over a folder of small files that are all new, and
 * over the same files when none of them has changed.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Checkpoint } from '../connectors/connector.ts';
import { createSource } from '../connectors/registry.ts';
import { sourceSchema } from '../contracts/job-source.ts';

const files = Number(process.argv[2] ?? 3000);
const folder = await mkdtemp(path.join(os.tmpdir(), 'dativo-bench-plan-'));
const context = { signal: new AbortController().signal, scratchFolder: folder, attempt: 1 };
const options = { mode: 'incremental' } as const;

async function plan(what: string, checkpoint?: Checkpoint): Promise<Checkpoint> {
  const spec = sourceSchema.parse({ path: path.join(folder, '*.csv') });
  const source = createSource('csv', { source: spec, asset: 'orders' });
  const started = performance.now();
  const { schema } = await source.describe('orders', context, { checkpoint, options });
  const { chunks, nextCheckpoint } = await source.plan({ object: 'orders', schema, checkpoint, options }, context);
  const seconds = (performance.now() - started) / 1000;
  process.stdout.write(`${what.padEnd(24)} ${seconds.toFixed(2).padStart(6)} s  ${chunks.length} chunks\n`);
  return JSON.parse(JSON.stringify(source.checkpointAfter(nextCheckpoint, undefined)));
}

try {
  for (let file = 0; file < files; file++) {
    const rows = Array.from(
      { length: 200 },
      (_, row) => `${file * 200 + row},name ${row},${row}.5,2024-01-01T00:00:00Z`,
    );
    await writeFile(path.join(folder, `${file}.csv`), `id,name,amount,at\n${rows.join('\n')}\n`);
  }
  const checkpoint = await plan(`${files} new files`);
  for (let round = 0; round < 3; round++) await plan(`${files} unchanged files`, checkpoint);
} finally {
  await rm(folder, { recursive: true });
}
