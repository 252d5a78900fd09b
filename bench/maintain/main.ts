/**
 * `npm run bench:maintain [-- files]`: a table on S3 and a REST catalog that 2,000 small runs have filled with a file each;
 * what PyIceberg needs to plan and to scan it, before and after `dativo maintain`.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Cluster } from '../cluster/cluster.ts';
import { measureNode } from '../measure.ts';
import type { Reading } from './reading.ts';
import { readTable } from './reading.ts';
import { writeSmallFiles } from './small-files.ts';

const CLI = fileURLToPath(new URL('../../bin/dativo.js', import.meta.url));
const ROWS_PER_FILE = 500;
const [ASSET, TABLE] = ['orders', 'shop.orders'];

const files = Number(process.argv[2] ?? 2_000);
const folder = await mkdtemp(path.join(os.tmpdir(), 'dativo-maintain-'));

const seconds = (value: number) => `${value.toFixed(2)} s`;
const megabytes = (value: number) => `${(value / 1e6).toFixed(2)} MB`;
const count = (value: number) => Math.round(value).toLocaleString('en');

/** Each with how it is written. */
const FIGURES: Readonly<Record<string, readonly [(reading: Reading) => number, (value: number) => string]>> = {
  'data files': [({ files }) => files, count],
  'planning: time': [({ planSeconds }) => planSeconds, seconds],
  'planning: bytes read': [({ plan }) => plan.bytes, megabytes],
  'planning: requests': [({ plan }) => plan.requests, count],
  'scan: time': [({ scanSeconds }) => scanSeconds, seconds],
  'scan: bytes read': [({ scan }) => scan.bytes, megabytes],
  'scan: requests': [({ scan }) => scan.requests, count],
  'stored: objects': [({ stored }) => stored.objects, count],
  'stored: bytes': [({ stored }) => stored.bytes, megabytes],
};

try {
  await using cluster = await Cluster.start(folder, { workers: 0, faults: false });
  const job = await cluster.writeJob(ASSET, [ASSET], '');
  console.log(
    `${files} files of ${ROWS_PER_FILE} rows, a snapshot each; ${os.availableParallelism()} cores, load ${os.loadavg()[0]?.toFixed(1)} before`,
  );
  const startedAt = performance.now();
  await writeSmallFiles(cluster, job, ASSET, files, ROWS_PER_FILE);
  console.log(`written in ${seconds((performance.now() - startedAt) / 1000)}`);
  const before = await readTable(cluster, TABLE);
  const env = {
    ...cluster.environment,
    TEMPORAL_ADDRESS: cluster.temporal.address,
    DATIVO_HOME: path.join(folder, 'home'),
  };
  const kept = ['--older-than', '0s', '--keep-last', '1'];
  const args = [CLI, 'maintain', ASSET, '--job', job, ...kept, '--yes', '--with-worker'];
  const { wallSeconds, cpuSeconds, peakMegabytes } = await measureNode(args, env);
  console.log(
    `dativo maintain: wall ${seconds(wallSeconds)}, cpu ${seconds(cpuSeconds)}, peak ${peakMegabytes.toFixed(0)} MB`,
  );
  const after = await readTable(cluster, TABLE);
  console.log(`${''.padEnd(22)}${'before'.padStart(12)}${'after'.padStart(12)}   before / after`);
  for (const [name, [of, written]] of Object.entries(FIGURES)) {
    const [was, is] = [of(before), of(after)];
    console.log(
      `${name.padEnd(22)}${written(was).padStart(12)}${written(is).padStart(12)}   ${(was / is).toFixed(1).padStart(8)}`,
    );
  }
  const rows = files * ROWS_PER_FILE;
  if (before.rows !== rows || after.rows !== rows) {
    throw new Error(`${before.rows} rows before and ${after.rows} after; expected ${rows}`);
  }
  if (before.files !== files || after.files >= files / 10 || after.scanSeconds >= before.scanSeconds) {
    throw new Error(`${before.files} files before and ${after.files} after: the table is no better for it`);
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
