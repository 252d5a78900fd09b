import type { Measured } from '../measure.ts';
import { median } from '../measure.ts';
import { BENCH_DATA, generateOrders } from './generate-orders.ts';
import { measureRun, writeJob } from './orders-job.ts';

const ROUNDS = 5;
const AT_ONCE = 5;

/** How long jobs of 100 rows take on a server that is up: one, five in one command, and five commands at once. */
export async function measureSmallJobs(work: string, env: NodeJS.ProcessEnv): Promise<void> {
  const csv = await generateOrders(BENCH_DATA, 100);
  let jobs = 0;
  const newJobs = (count: number): Promise<string[]> =>
    Promise.all(Array.from({ length: count }, async () => (await writeJob(work, `small_${++jobs}`, csv)).job));

  const one: Measured[] = [];
  const inOne: Measured[] = [];
  const atOnce: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    one.push(await measureRun(await newJobs(1), env));
    inOne.push(await measureRun(await newJobs(AT_ONCE), env));
    const commands = await newJobs(AT_ONCE);
    const startedAt = performance.now();
    await Promise.all(commands.map((job) => measureRun([job], env)));
    atOnce.push((performance.now() - startedAt) / 1000);
  }
  const wall = (runs: readonly Measured[]) => median(runs.map(({ wallSeconds }) => wallSeconds)).toFixed(2);
  const cpu = (runs: readonly Measured[]) => median(runs.map(({ cpuSeconds }) => cpuSeconds)).toFixed(2);
  console.log(`100 rows: ${wall(one)} s (below 2), ${cpu(one)} s of cpu`);
  console.log(`${AT_ONCE} such jobs in one command: ${wall(inOne)} s (below 4), ${cpu(inOne)} s of cpu`);
  console.log(`${AT_ONCE} commands at once, each with a worker of its own: ${median(atOnce).toFixed(2)} s (below 4)`);
}
