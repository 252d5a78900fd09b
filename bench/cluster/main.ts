/**
 * `npm run bench:kill:cluster [-- seconds]`: two and then eight jobs upsert one table on S3 and a REST catalog with three
 * workers, while workers, S3 and the catalog are killed in turn, one call to S3 in ten fails and one in a hundred stalls,
 * every fifth commit is answered with 500, and the table is maintained. PyIceberg judges it afterwards.
 */
import { isGood, killCluster } from './kill.ts';

const seconds = Number(process.argv[2] ?? 120);
for (const jobs of [2, 8]) {
  const startedAt = performance.now();
  const result = await killCluster(jobs, seconds);
  const { runs, kills, faults, maintained, failures, verdict } = result;
  const { rows, lost, duplicated, stale, dangling, orphans, examples } = verdict;
  console.log(
    `${jobs} jobs: ${runs} runs, ${kills} kills, ${faults} faults, ${maintained} maintenances in ${((performance.now() - startedAt) / 1000).toFixed(0)} s; ` +
      `${rows} rows: ${lost} lost, ${duplicated} duplicated, ${stale} stale, ${dangling} dangling references, ${orphans} orphans; ${failures.length} failures`,
  );
  for (const failure of new Set(failures)) console.log(`  failed: ${failure}`);
  for (const example of examples) console.log(`  ${example}`);
  if (!isGood(result)) process.exitCode = 1;
}
