/**
 * `npm run bench:kill [-- rounds] [point …]`: kills the worker with SIGKILL at every activity (before, in the middle,
 * after its effect, before its completion is reported), Temporal's server in the middle of a run, and starts the same
 * job twice; each several times, on a new table and on one with rows. PyIceberg judges every lake afterwards.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { z } from 'zod';
import { testPython } from '../../test/support/python.ts';
import { BenchServer } from '../server.ts';
import type { RoundResult } from './round.ts';
import { playRound } from './round.ts';
import type { Scenario } from './scenarios.ts';
import { SCENARIOS } from './scenarios.ts';

const LANES = 2;
const verdictSchema = z.object({
  warehouse: z.string(),
  rows: z.number(),
  distinct: z.number(),
  quarantined: z.number(),
  records: z.number(),
  twice: z.number(),
  left: z.array(z.string()),
});
type Verdict = z.infer<typeof verdictSchema>;

interface Played extends RoundResult {
  readonly scenario: Scenario;
}

const [roundsText = '5', ...points] = process.argv.slice(2);
const rounds = Number(roundsText);
const scenarios = SCENARIOS.filter(({ name }) => points.length === 0 || points.includes(name));
const folder = await mkdtemp(path.join(os.tmpdir(), 'dativo-kill-'));
const played: Played[] = [];
const waiting = scenarios.flatMap((scenario) =>
  Array.from({ length: rounds }, (_, round) => ({ scenario, round: round + 1 })),
);
let number = 0;

async function lane(index: number): Promise<void> {
  const home = await mkdtemp(path.join(folder, `server-${index}-`));
  const server = await BenchServer.start(home);
  const connection = await Connection.connect({ address: server.address });
  try {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const { scenario, round } = next;
      const client = new Client({ connection });
      const result = await playRound(server, client, scenario, round, path.join(folder, String(++number)));
      played.push({ ...result, scenario });
    }
  } finally {
    await connection.close();
    await server.stop();
  }
}

async function judge(warehouses: readonly string[]): Promise<Map<string, Verdict>> {
  const script = fileURLToPath(new URL('judge.py', import.meta.url));
  const child = spawn(await testPython(), [script], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(JSON.stringify(warehouses));
  const verdicts = new Map<string, Verdict>();
  for await (const line of createInterface({ input: child.stdout })) {
    const verdict = verdictSchema.parse(JSON.parse(line));
    verdicts.set(verdict.warehouse, verdict);
  }
  return verdicts;
}

const startedAt = performance.now();
await Promise.all(Array.from({ length: LANES }, (_, index) => lane(index)));
const verdicts = await judge(played.map(({ warehouse }) => warehouse));

let wrong = 0;
console.log('killed at                           rounds  killed  finished  lost  duplicated  twice  left  records');
for (const scenario of scenarios) {
  const own = played.filter((round) => round.scenario === scenario);
  const sum = { killed: 0, finished: 0, lost: 0, duplicated: 0, twice: 0, left: 0, records: 0 };
  for (const round of own) {
    const verdict = verdicts.get(round.warehouse);
    if (!verdict) throw new Error(`no verdict on ${round.warehouse}`);
    sum.killed += round.killed ? 1 : 0;
    sum.finished += round.finished ? 1 : 0;
    sum.lost +=
      Math.max(0, round.expected.rows - verdict.distinct) +
      Math.max(0, round.expected.quarantined - verdict.quarantined);
    sum.duplicated +=
      verdict.rows -
      verdict.distinct +
      Math.max(0, verdict.quarantined - round.expected.quarantined) +
      Math.max(0, verdict.distinct - round.expected.rows);
    sum.twice += verdict.twice;
    sum.left += verdict.left.length;
    sum.records += verdict.records === round.records ? 1 : 0;
    if (verdict.left.length > 0) console.error(`left in ${round.warehouse}: ${verdict.left.slice(0, 5).join(', ')}`);
  }
  const good =
    sum.killed === rounds &&
    sum.finished === rounds &&
    sum.records === rounds &&
    sum.lost + sum.duplicated + sum.twice + sum.left === 0;
  if (!good) wrong++;
  const figures = [own.length, sum.killed, sum.finished, sum.lost, sum.duplicated, sum.twice, sum.left, sum.records];
  const widths = [8, 8, 10, 6, 12, 7, 6, 9];
  console.log(
    `${scenario.name.padEnd(34)}${figures.map((figure, index) => String(figure).padStart(widths[index] ?? 0)).join('')}`,
  );
}
console.log(
  `${played.length} rounds in ${((performance.now() - startedAt) / 1000).toFixed(0)} s; ${wrong === 0 ? 'nothing lost, duplicated or left behind' : `${wrong} scenarios went wrong`}`,
);
if (wrong === 0) await rm(folder, { recursive: true, force: true });
else process.exitCode = 1;
