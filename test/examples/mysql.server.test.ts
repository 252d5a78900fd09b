import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { mariaDbTable } from '../support/database-table.ts';
import { useMariaDb } from '../support/mariadb.ts';
import { temporalServer } from '../support/temporal.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const output = z.object({
  runs: z.array(
    z.object({
      state: z.string(),
      objects: z.array(z.object({ object: z.string(), counts: z.object({ committed: z.number() }) })),
    }),
  ),
});

const mariaDb = useMariaDb();
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dativo-examples-'));
  await cp(path.join(ROOT, 'examples'), path.join(folder, 'examples'), { recursive: true });
});
afterAll(() => rm(folder, { recursive: true }));

async function dativo(url: string, ...words: string[]): Promise<unknown> {
  const env = { ...process.env, DATIVO_HOME: temporalServer().home, SHOP_MYSQL: url };
  const args = [path.join(ROOT, 'bin', 'dativo.js'), ...words, '--json'];
  return JSON.parse((await promisify(execFile)(process.execPath, args, { cwd: folder, env })).stdout);
}

test('the shop in MySQL comes in whole, then only what was changed in it', async () => {
  const { url, run } = await mariaDbTable(
    mariaDb(),
    await readFile(path.join(folder, 'examples/data/mysql-shop.sql'), 'utf8'),
  );
  const runJob = async () => {
    const [result] = output.parse(await dativo(url, 'run', 'examples/mysql-shop.yaml')).runs;
    return [result?.state, result?.objects.map(({ object, counts }) => [object, counts.committed])];
  };
  const [rehearsed] = await rehearse(url);
  expect(rehearsed).toMatchObject({ object: 'items', sampledRows: 100, sampledQuarantined: 0 });
  const committed = (items: number, sales: number) => [
    ['items', items],
    ['sales', sales],
  ];
  expect(await runJob()).toEqual(['success', committed(100, 1000)]);
  expect(await runJob()).toEqual(['unchanged', committed(0, 0)]);
  await run(`UPDATE sales SET state = 'returned' WHERE shop_id = 1 AND state = 'new'`);
  expect(await runJob()).toEqual(['success', committed(0, 334)]);
});

async function rehearse(url: string): Promise<readonly unknown[]> {
  const rehearsal = await dativo(url, 'run', 'examples/mysql-shop.yaml', '--dry-run');
  const { dryRuns } = z.object({ dryRuns: z.array(z.object({ objects: z.array(z.unknown()) })) }).parse(rehearsal);
  return dryRuns.flatMap(({ objects }) => objects);
}
