import { MockActivityEnvironment } from '@temporalio/testing';
import { expect, test } from 'vitest';
import { createActivities } from '../../activities/activities.ts';
import type { ActivityDependencies, FaultPoint } from '../../activities/dependencies.ts';
import { WorkingFolder } from '../../activities/working-folder.ts';
import { validateJob } from '../../config/validate.ts';
import type { ExtractProgress } from '../../contracts/extract-progress.ts';
import type {
  ChunkRange,
  ChunkResult,
  ChunksResult,
  ExtractChunksInput,
  ObjectRun,
  PlanResult,
} from '../../contracts/run.ts';
import { readBudget } from '../../worker/budget.ts';
import { createDependencies } from '../../worker/dependencies.ts';
import { storeJob } from '../../worker/job-store.ts';
import { jobFolder } from '../support/job-folder.ts';

/** As many files as make five chunks. */
const FILES = 810;
const CHUNKS = 5;

interface Attempt {
  readonly attempt?: number;
  readonly chunks?: Partial<ChunkRange>;
  readonly takeForMs?: number;
  /** The last heartbeat of the attempt before. */
  readonly heartbeatDetails?: ExtractProgress;
}

/** A planned object, whose chunks each test has extracted in its own way. */
async function plannedObject(reached: (point: FaultPoint) => void = () => {}) {
  const files = Array.from({ length: FILES }, (_, id) => [`data/${String(id).padStart(4, '0')}.csv`, `id\n${id}\n`]);
  const job = 'source_connector: csv\nasset: orders\nsource: { path: data/*.csv }\ntarget: { namespace: shop }\n';
  const folder = await jobFolder({ ...Object.fromEntries(files), 'job.yaml': job });
  const { job: loaded } = await validateJob(`${folder}/job.yaml`, { env: {} });
  if (!loaded) throw new Error('the job of the test is not valid');
  const run: ObjectRun = {
    job: await storeJob(loaded, { env: {} }),
    tenant: loaded.tenant,
    asset: 'orders',
    object: 'orders',
    runId: 'run',
    options: { mode: 'incremental' },
    round: 1,
  };
  /** With how many tries the source was told of each chunk, in the order of reading. */
  const tries: number[] = [];
  const real = createDependencies({ env: {}, budget: readBudget({}), reached: async (point) => reached(point) });
  const deps: ActivityDependencies = {
    ...real,
    async openJob(reference) {
      const opened = await real.openJob(reference);
      const openSource = () => {
        const source = opened.openSource();
        const read = source.read.bind(source);
        const noting: typeof read = (object, schema, position, session, context) => {
          tries.push(context.attempt);
          return read(object, schema, position, session, context);
        };
        return Object.assign(source, { read: noting });
      };
      return { ...opened, openSource };
    },
  };
  const activities = createActivities(deps);
  const plan: PlanResult = await new MockActivityEnvironment().run(activities.planObject, run);
  expect(plan.chunks).toBe(CHUNKS);
  const opened = await real.openJob(run.job);
  const working = new WorkingFolder(opened.storage, opened.workFolder, run.runId);
  return {
    tries,
    /** A chunk alone, as an earlier version had it done. */
    extractOne: (chunk: number, attempt: number): Promise<ChunkResult> =>
      new MockActivityEnvironment({ attempt }).run(activities.extractChunk, { run, plan: plan.plan, chunk }),
    /** How many rows an attempt staged of a chunk. */
    rowsOf: async (chunk: number, attempt: number) => (await working.readStaged(run, chunk, attempt)).counts.committed,
    /** One attempt: what it came to, and its last heartbeat. */
    async extract({ attempt = 1, chunks = {}, takeForMs = 60_000, heartbeatDetails }: Attempt) {
      const environment = new MockActivityEnvironment({ attempt, heartbeatDetails });
      let last: ExtractProgress | undefined;
      environment.on('heartbeat', (details: ExtractProgress) => (last = details));
      const range: ChunkRange = { first: 0, count: CHUNKS, firstAttempt: 1, ...chunks };
      const input: ExtractChunksInput = { run, plan: plan.plan, chunks: range, takeForMs };
      try {
        const result: ChunksResult = await environment.run(activities.extractChunks, input);
        return { result, last };
      } catch (error) {
        return { error, last };
      }
    },
  };
}

const counts = (rows: number) => ({ read: rows, committed: rows, quarantined: 0, deadLettered: 0, skipped: {} });

test('chunks are staged one after the other, and their rows are added up', async () => {
  const { extract, rowsOf, tries } = await plannedObject();
  expect(await extract({})).toMatchObject({ result: { attempts: [1, 1, 1, 1, 1], counts: counts(FILES) } });
  expect(await Promise.all([0, 1, 2, 3, 4].map((chunk) => rowsOf(chunk, 1)))).toEqual([200, 200, 200, 200, 10]);
  expect(tries).toEqual([1, 1, 1, 1, 1]);
});

test('a retry goes on behind the chunks that are done, and only the one that failed is read with more care', async () => {
  let begun = 0;
  const { extract, rowsOf, tries } = await plannedObject((point) => {
    if (point === 'extract:before-read' && ++begun === 3) throw new Error('the source is busy');
  });
  const failed = await extract({});
  expect(failed).toMatchObject({
    error: { message: 'the source is busy' },
    last: { chunk: 2, rows: 400, tries: 1, attempts: [1, 1] },
  });
  if (!failed.last) throw new Error('an attempt without a heartbeat');
  const again = await extract({ attempt: 2, heartbeatDetails: failed.last });
  expect(again).toMatchObject({ result: { attempts: [1, 1, 2, 2, 2], counts: counts(FILES) } });
  expect(tries).toEqual([1, 1, 2, 1, 1]);
  expect([await rowsOf(0, 1), await rowsOf(2, 2), await rowsOf(4, 2)]).toEqual([200, 200, 10]);
});

test('a retry that knows of nothing begins again, under names of its own', async () => {
  const { extract, rowsOf } = await plannedObject();
  await extract({ chunks: { count: 2 } });
  expect(await extract({ attempt: 2, chunks: { count: 2 } })).toMatchObject({
    result: { attempts: [2, 2], counts: counts(400) },
  });
  expect([await rowsOf(0, 1), await rowsOf(0, 2)]).toEqual([200, 200]);
});

test('chunks for which the time is too short are handed back, and no two attempts at one have the same name', async () => {
  const { extract, tries } = await plannedObject();
  const first = await extract({ attempt: 3, takeForMs: 0 });
  expect(first).toMatchObject({
    result: { attempts: [3], counts: counts(200), handedBack: { first: 1, count: 4, firstAttempt: 4 } },
  });
  expect(await extract({ chunks: first.result?.handedBack ?? {} })).toMatchObject({
    result: { attempts: [4, 4, 4, 4], counts: counts(610) },
  });
  expect(tries).toEqual([1, 1, 1, 1, 1]);
});

test('a run that an earlier version began has its chunks done one by one', async () => {
  const { extractOne, rowsOf, tries } = await plannedObject();
  expect(await extractOne(4, 1)).toMatchObject({ attempt: 1, counts: counts(10), files: 1 });
  expect(await extractOne(3, 2)).toMatchObject({ attempt: 2, counts: counts(200), files: 1 });
  expect([await rowsOf(4, 1), await rowsOf(3, 2), tries]).toEqual([10, 200, [1, 2]]);
});
