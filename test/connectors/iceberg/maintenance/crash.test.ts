import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Judge } from '../../../support/judge.ts';
import { TestLake } from '../../../support/lake.ts';
import { maintainAll, maintained } from '../../../support/maintenance.ts';
import { NUMBERS, numbers } from '../../../support/numbers.ts';

/** Bytes; ten numbers are small, five hundred random ones are not. */
const TARGET = 2000;
const RANDOM = 'SELECT (random() * 1e18)::BIGINT AS n FROM range(500)';

const run = promisify(execFile);
const SCRIPT = path.join(import.meta.dirname, '../../../support/dying-maintenance.ts');
const COMMIT = ['manifests-written', 'metadata-written', 'catalog-moving', 'after-catalog'];

/** A maintenance commits three times (compaction, manifests, expiry), and removes files of each kind. */
const MOMENTS = [
  ...[1, 3].flatMap((time) => COMMIT.map((point) => [point, time] as const)),
  ['after-catalog', 2],
  ['journal-written', 1],
  ['data-files-removed', 1],
  ['manifests-removed', 1],
  ['lists-removed', 1],
  ['orphans-removed', 1],
] as const;

let judge: Judge;
beforeAll(async () => {
  judge = await Judge.start();
}, 300_000);
afterAll(() => judge[Symbol.asyncDispose]());

describe('a maintenance that is killed', () => {
  test.each(MOMENTS)(
    'at %s (time %d) leaves a whole table, and the next one ends what it began',
    async (point, time) => {
      await using lake = await TestLake.create();
      for (let i = 0; i < 6; i += 1) await lake.write('numbers', NUMBERS, numbers(10 * i, 10 * i + 10));
      // Large enough to be left by the compaction, and so with manifests of their own for the step after it.
      for (let i = 0; i < 10; i += 1) await lake.write('numbers', NUMBERS, RANDOM);
      const args = [SCRIPT, lake.folder, point, String(time), randomUUID(), String(TARGET)];
      await expect(run(process.execPath, args)).rejects.toMatchObject({ signal: 'SIGKILL' });
      const judged = judge.of(lake.folder);
      expect((await judged.history('shop.numbers')).snapshots.at(-1)?.rows).toBe(60 + 10 * 500);

      await using table = await maintained(lake, 'numbers');
      await maintainAll(table, { targetFileBytes: TARGET });
      const { snapshots, references } = await judged.history('shop.numbers');
      expect(snapshots).toMatchObject([{ rows: 60 + 10 * 500 }]);
      const files = await lake.storage.list(`${lake.warehouse}/shop/numbers`);
      expect(files.map(({ uri }) => uri).toSorted()).toEqual(references);
    },
    60_000,
  );
});
