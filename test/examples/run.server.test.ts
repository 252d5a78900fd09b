import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { usePostgres } from '../support/postgres.ts';
import { temporalServer } from '../support/temporal.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const output = z.object({
  runs: z.array(
    z.object({
      state: z.string(),
      objects: z.array(
        z.object({
          object: z.string(),
          counts: z.object({
            committed: z.number(),
            quarantined: z.number(),
            skipped: z.record(z.string(), z.number()),
          }),
        }),
      ),
    }),
  ),
});

/** Runs a job of the examples in a copy of their folder, beside which the lake is made. */
async function runExample(folder: string, job: string, more: NodeJS.ProcessEnv = {}) {
  const words = [path.join(ROOT, 'bin', 'dativo.js'), 'run', path.join(folder, 'examples', job), '--json'];
  const env = { ...process.env, DATIVO_HOME: temporalServer().home, ...more };
  const { stdout } = await promisify(execFile)(process.execPath, words, { cwd: folder, env });
  return output.parse(JSON.parse(stdout)).runs;
}

const postgres = usePostgres();
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dativo-examples-'));
  await cp(path.join(ROOT, 'examples'), path.join(folder, 'examples'), { recursive: true });
});
afterAll(() => rm(folder, { recursive: true }));

test('the flights and their four companions come in whole, and a second run commits nothing', async () => {
  const [first] = await runExample(folder, 'nycflights.yaml');
  expect(first?.state).toBe('success');
  const committed = first?.objects.map(({ object, counts }) => [object, counts.committed]) ?? [];
  expect(Object.fromEntries(committed)).toEqual({
    flights: 336_776,
    airlines: 16,
    airports: 1458,
    planes: 3322,
    weather: 26_115,
  });
  expect(await runExample(folder, 'nycflights.yaml')).toMatchObject([{ state: 'unchanged' }]);
});

test('the transformed flights keep to their contract, and those left out are counted by their rule', async () => {
  const runs = await runExample(folder, 'flights.yaml');
  const counts = { committed: 328_063, quarantined: 0, skipped: { flown: 8713 } };
  expect(runs).toMatchObject([{ state: 'success', objects: [{ object: 'flights', counts }] }]);
});

test('the shop in Postgres comes in whole, then only what was changed in it', async () => {
  const url = await postgres().database();
  const inShop = (sql: string) => postgres().run(sql, new URL(url).pathname.slice(1));
  await inShop(await readFile(path.join(folder, 'examples/data/shop.sql'), 'utf8'));
  const run = async () => {
    const [result] = await runExample(folder, 'shop.yaml', { SHOP_DATABASE: url });
    return [result?.state, result?.objects.map(({ object, counts }) => [object, counts.committed])];
  };
  expect(await run()).toEqual([
    'success',
    [
      ['customers', 500],
      ['orders', 5000],
    ],
  ]);
  expect(await run()).toEqual([
    'unchanged',
    [
      ['customers', 0],
      ['orders', 0],
    ],
  ]);
  await inShop("UPDATE orders SET status = 'shipped', updated_at = '2026-02-01' WHERE status = 'paid'");
  expect(await run()).toEqual([
    'success',
    [
      ['customers', 0],
      ['orders', 1250],
    ],
  ]);
});
