/**
 * `npm run bench:upsert [-- rows [rounds]]`: 100k changed rows into a table of 60 files, with keys that lie together and
 * keys that lie everywhere, beside a hand-written DuckDB statement that rewrites the same files.
 */
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { Measured } from '../measure.ts';
import { measureNode, median } from '../measure.ts';
import { BenchLake, createTable, FILES, ordersSql } from './table.ts';

const DATIVO = fileURLToPath(new URL('dativo-merge.ts', import.meta.url));
const DUCKDB = fileURLToPath(new URL('duckdb-merge.ts', import.meta.url));
const CHANGED = 100_000;
const TOOK = z.object({ seconds: z.number() });
const RESULT = TOOK.extend({ removed: z.array(z.string()), updated: z.number(), rows: z.number() });

const rows = Number(process.argv[2] ?? 10_000_000);
const rounds = Number(process.argv[3] ?? 3);
const work = await mkdtemp(path.join(os.tmpdir(), 'dativo-bench-'));
const scratch = path.join(work, 'scratch');
const lake = path.join(work, 'lake');
/** The changed rows: nine tenths are there, one tenth is new. */
const OLD = CHANGED * 0.9;
const NEW = `SELECT i AS id FROM range(${rows}, ${rows + CHANGED - OLD}) t(i)`;
const KEYS: Readonly<Record<string, string>> = {
  clustered: `SELECT i AS id FROM range(${rows / 2}, ${rows / 2 + OLD}) t(i) UNION ALL ${NEW}`,
  scattered: `SELECT (i * ${Math.floor(rows / OLD)}) AS id FROM range(${OLD}) t(i) UNION ALL ${NEW}`,
};

/** `seconds` without the start of Node, which a worker and a notebook have behind them. */
type Timed = Measured & z.infer<typeof TOOK>;

interface Round {
  readonly ours: Timed;
  readonly limit: Timed;
  readonly rewritten: number;
}

async function round(kind: string, ids: string, number: number): Promise<Round> {
  // Metadata names files by their absolute path, so that the table is put aside and back, and not copied elsewhere.
  const kept = path.join(work, 'kept');
  await cp(lake, kept, { recursive: true });
  try {
    const batchFile = path.join(work, `${kind}-${number}.json`);
    const resultFile = path.join(work, `${kind}-${number}-result.json`);
    let batchParquet = '';
    {
      await using open = await BenchLake.open(lake, scratch);
      const batch = await open.stage(ordersSql(ids, number + 1));
      batchParquet = open.storage.nameOf(batch.files[0]?.uri ?? '');
      await writeFile(batchFile, JSON.stringify(batch));
    }
    const ours = await measureNode([DATIVO, lake, scratch, batchFile, resultFile]);
    const { removed, updated, rows: merged, seconds } = RESULT.parse(JSON.parse(await readFile(resultFile, 'utf8')));
    if (updated !== OLD || merged !== CHANGED) throw new Error(`${updated} updated and ${merged} merged`);
    const target = path.join(work, `limit-${kind}-${number}`);
    const limitFile = path.join(work, `limit-${kind}-${number}.json`);
    const files = removed.map((uri) => uri.replace(/^file:\/\//, ''));
    const limit = await measureNode([DUCKDB, target, scratch, batchParquet, limitFile, ...files]);
    await rm(target, { recursive: true });
    const took = TOOK.parse(JSON.parse(await readFile(limitFile, 'utf8')));
    return { ours: { ...ours, seconds }, limit: { ...limit, ...took }, rewritten: removed.length };
  } finally {
    await rm(lake, { recursive: true });
    await cp(kept, lake, { recursive: true });
    await rm(kept, { recursive: true });
  }
}

try {
  await mkdir(scratch);
  await createTable(lake, scratch, rows);
  for (const [kind, ids] of Object.entries(KEYS)) {
    const measured: Round[] = [];
    for (let number = 0; number < rounds; number++) measured.push(await round(kind, ids, number));
    const middle = (of: (one: Round) => number) => median(measured.map(of));
    console.log(
      `${kind}: ${CHANGED} changed rows into ${rows}; rewrote ${middle((one) => one.rewritten)} of ${FILES} files; ` +
        `wall ${middle((one) => one.ours.seconds).toFixed(2)} s against ${middle((one) => one.limit.seconds).toFixed(2)} s, ` +
        `ratio ${middle((one) => one.ours.seconds / one.limit.seconds).toFixed(2)} (at most 1.50); ` +
        `cpu ratio ${middle((one) => one.ours.cpuSeconds / one.limit.cpuSeconds).toFixed(2)}; ` +
        `peak ${middle((one) => one.ours.peakMegabytes).toFixed(0)} against ${middle((one) => one.limit.peakMegabytes).toFixed(0)} MB`,
    );
  }
} finally {
  await rm(work, { recursive: true, force: true });
}
