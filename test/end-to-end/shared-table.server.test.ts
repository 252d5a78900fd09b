import path from 'node:path';
import { describe, expect, test } from 'vitest';
import type { RunOptions } from '../../contracts/run.ts';
import { queryLake } from '../../worker/lake/query.ts';
import { jobFolder } from '../support/job-folder.ts';
import { runJob } from '../support/run-job.ts';
import { useClient } from '../support/temporal.ts';
import { useWorker } from '../support/worker.ts';

useWorker();
const client = useClient();

let tables = 0;
/** Two jobs that both fill one table: of one it is the asset, of the other the only object. */
async function twoJobs(setting: string) {
  const table = `orders_${process.pid}_${++tables}`;
  const target = `target: { namespace: shop, warehouse: lake${setting} }\n`;
  const folder = await jobFolder({
    'east.csv': 'id\n1\n2\n',
    [`west/${table}.csv`]: 'id\n3\n',
    'west/other.csv': 'id\n9\n',
    'east.yaml': `source_connector: csv\nasset: ${table}\nsource: { path: east.csv }\n${target}`,
    'west.yaml': `source_connector: csv\nasset: west_${table}
source: { path: "west/{object}.csv", objects: [${table}, other] }\n${target}`,
  });
  const run = async (name: string, options?: RunOptions) => {
    const { objects } = await runJob(client(), path.join(folder, name), options);
    const filled = objects.find(({ object }) => object === table) ?? objects[0];
    if (filled === undefined) throw new Error('a run has an object');
    return filled;
  };
  const rows = async () => {
    const lake = { warehouse: path.join(folder, 'lake') };
    return (await queryLake(lake, `SELECT id FROM shop.${table} ORDER BY id`, { limit: 100 })).rows.flat();
  };
  return { run, rows };
}

describe('two jobs that fill one table', () => {
  test('are told so, unless they say that they share it', async () => {
    const { run, rows } = await twoJobs('');
    expect((await run('east.yaml')).state).toBe('success');
    const refused = await run('west.yaml');
    expect([refused.state, refused.failure?.code]).toEqual(['failed', 'TABLE_OWNED']);
    expect(await rows()).toEqual(['1', '2']);
  });

  test('that share it read on where each of them was, and neither removes what the other brought', async () => {
    const { run, rows } = await twoJobs(', shared: true');
    expect((await run('east.yaml')).state).toBe('success');
    expect((await run('west.yaml')).state).toBe('success');
    expect(await rows()).toEqual(['1', '2', '3']);
    expect((await run('east.yaml')).state).toBe('unchanged');
    expect((await run('west.yaml')).state).toBe('unchanged');
    const refreshed = await run('east.yaml', { mode: 'full_refresh' });
    expect([refreshed.state, refreshed.failure?.code]).toEqual(['failed', 'TABLE_OWNED']);
    expect(await rows()).toEqual(['1', '2', '3']);
  });
});
