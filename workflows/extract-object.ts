import { patched, proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/activities.ts';
import type { ChunksResult, IngestObjectInput, ObjectRun, PlanResult, RowCounts } from '../contracts/run.ts';
import { addCounts, NO_ROWS } from '../contracts/run.ts';
import { mapBounded, workOff } from './bounded.ts';
import { ChunkQueue } from './chunk-queue.ts';
import { CHUNKS_TOGETHER } from './patches.ts';
import { profiles } from './profiles.ts';

/** Chunks are handed back after so long: what other runs wait for is not kept from them until many are done. */
const TAKE_CHUNKS_FOR_MS = 5 * 60_000;

export interface Extracted {
  /** For each chunk of the plan, in order, the attempt that staged it. */
  readonly attempts: readonly number[];
  readonly counts: RowCounts;
}

/** Has all chunks of an object staged, several by each activity. `onDone` is told of chunks and rows as they come. */
export async function extractObject(
  input: IngestObjectInput,
  run: ObjectRun,
  plan: PlanResult,
  onDone: (chunks: number, rows: number) => void,
): Promise<Extracted> {
  if (!patched(CHUNKS_TOGETHER)) return extractOneByOne(input, run, plan, onDone);
  const queue = new ChunkQueue(plan.chunks, input.parallelChunks);
  const attempts: number[] = new Array(plan.chunks);
  let counts = NO_ROWS;
  await workOff(
    input.parallelChunks,
    () => queue.take(),
    async (chunks) => {
      const [from, to] = [chunks.first + 1, chunks.first + chunks.count];
      const summary = `${run.object} ${from === to ? `chunk ${from}` : `chunks ${from}-${to}`}/${plan.chunks}`;
      const { extractChunks } = proxyActivities<Activities>({ ...profiles(input).extract, summary });
      const takeForMs = input.timeouts?.takeChunksMs ?? TAKE_CHUNKS_FOR_MS;
      const done: ChunksResult = await extractChunks({ run, plan: plan.plan, chunks, takeForMs });
      for (const [index, attempt] of done.attempts.entries()) attempts[chunks.first + index] = attempt;
      counts = addCounts(counts, done.counts);
      if (done.handedBack) queue.giveBack(done.handedBack);
      onDone(done.attempts.length, done.counts.read);
    },
  );
  return { attempts, counts };
}

/** As it was before CHUNKS_TOGETHER. */
async function extractOneByOne(
  input: IngestObjectInput,
  run: ObjectRun,
  plan: PlanResult,
  onDone: (chunks: number, rows: number) => void,
): Promise<Extracted> {
  const extract = profiles(input).extract;
  const chunks = await mapBounded(Array.from({ length: plan.chunks }), input.parallelChunks, async (_, chunk) => {
    const summary = `${run.object} chunk ${chunk + 1}/${plan.chunks}`;
    const { extractChunk } = proxyActivities<Activities>({ ...extract, summary });
    const result = await extractChunk({ run, plan: plan.plan, chunk });
    onDone(1, result.counts.read);
    return result;
  });
  const counts = chunks.reduce((sum, chunk) => addCounts(sum, chunk.counts), NO_ROWS);
  return { attempts: chunks.map(({ attempt }) => attempt), counts };
}
