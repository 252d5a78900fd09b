import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { FaultPoint } from '../../activities/dependencies.ts';
import { ingestWorkflowId, objectWorkflowId } from '../../contracts/ids.ts';
import type { CliOutcome } from '../support/cli.ts';
import { dativo, startDativo } from '../support/cli.ts';
import { freshFolder } from '../support/own-server.ts';
import { useClient } from '../support/temporal.ts';
import { useWorker } from '../support/worker.ts';

let atPoint: (point: FaultPoint) => Promise<void> = async () => {};
useWorker({ reached: (point) => atPoint(point) });
afterEach(() => {
  atPoint = async () => {};
});

const client = useClient();

let lakes = 0;

type Lake = Awaited<ReturnType<typeof lakeWithNews>>;

/** A lake that an earlier run has filled, and new rows for the next one. */
async function lakeWithNews() {
  const cwd = await freshFolder();
  const asset = `interrupted_${process.pid}_${++lakes}`;
  const job = `source_connector: csv\nasset: ${asset}\nsource: { path: in/*.csv }\ntarget: { warehouse: lake, namespace: shop }\n`;
  await writeFile(path.join(cwd, 'job.yaml'), job);
  await mkdir(path.join(cwd, 'in'));
  await writeFile(path.join(cwd, 'in', '1.csv'), 'id,name\n1,Ann\nbroken\n');
  expect(await dativo(['run', 'job.yaml'], { cwd })).toMatchObject({ code: 0 });
  await writeFile(path.join(cwd, 'in', '2.csv'), 'id,name\n2,Bo\n3,Cy\nbroken\n');
  return {
    cwd,
    asset,
    /** Everything but Dativo's own records and the catalog. */
    files: async () => {
      const all = await readdir(path.join(cwd, 'lake'), { recursive: true });
      return all.filter((name) => !/^_dativo(\/runs.*)?$|^catalog\.db/.test(name)).toSorted();
    },
    ids: async () => {
      const sql = `select id from shop.${asset} order by id`;
      const { stdout } = await dativo(['query', sql, '--csv', '--warehouse', 'lake'], { cwd });
      return stdout.trim().split('\n').slice(1);
    },
  };
}

/** Runs the job, sends Ctrl-C when its worker has come to the point, and lets the worker go on once the run knows. */
async function interruptAt(point: FaultPoint, { cwd, asset }: Lake): Promise<CliOutcome> {
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>();
  atPoint = async (reached) => {
    if (reached !== point) return;
    arrive();
    await released;
  };
  const { child, ended } = startDativo(['run', 'job.yaml'], { cwd });
  await Promise.race([arrived, ended]);
  child.kill('SIGINT');
  // The object's own workflow has to know, or it would go on to its next step; while publishing it has ended.
  const workflowId = point.startsWith('publish:')
    ? ingestWorkflowId('default', asset)
    : objectWorkflowId('default', asset, asset);
  const knows = async () => {
    const { events } = await client().workflow.getHandle(workflowId).fetchHistory();
    return events?.some((event) => event.workflowExecutionCancelRequestedEventAttributes);
  };
  try {
    await expect.poll(knows, { timeout: 20_000 }).toBe(true);
  } finally {
    release();
  }
  return ended;
}

test.each<{ stage: string; point: FaultPoint }>([
  { stage: 'planning', point: 'plan:before-write' },
  { stage: 'extracting', point: 'extract:reading' },
  { stage: 'extracting, with files staged', point: 'extract:after-quarantine-files' },
  { stage: 'evaluating', point: 'evaluate:before' },
])('Ctrl-C while $stage leaves the lake as it was, says so, and the next run goes on', async ({ point }) => {
  const lake = await lakeWithNews();
  const { cwd, asset, files, ids } = lake;
  const before = await files();

  const { code, stdout, stderr } = await interruptAt(point, lake);
  expect(stderr).toMatch(new RegExp(`Cancelling ${asset} \\(run [0-9a-f-]{36}\\); waiting until what is staged`));
  expect(stdout).toMatch(/cancelled after .*; nothing was committed/);
  expect(stdout).toMatch(/Next: (npx )?dativo run job\.yaml/);
  expect(code).toBe(1);
  expect(await files()).toEqual(before);
  expect(await ids()).toEqual(['1']);

  expect(await dativo(['run', 'job.yaml'], { cwd })).toMatchObject({ code: 0 });
  expect(await ids()).toEqual(['1', '2', '3']);
});

test.each<{ stage: string; point: FaultPoint }>([
  { stage: 'the commit is being written', point: 'commit:before' },
  { stage: 'the commit has landed and is not reported yet', point: 'commit:after-catalog' },
  { stage: 'the run record is being written', point: 'publish:before' },
])('Ctrl-C when $stage does not undo it, and the run says that it is committed', async ({ point }) => {
  const lake = await lakeWithNews();
  const { ids } = lake;
  const { code, stdout } = await interruptAt(point, lake);
  expect(stdout).toContain('2 rows committed');
  expect(code).toBe(0);
  expect(await ids()).toEqual(['1', '2', '3']);
});
