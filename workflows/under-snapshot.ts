import { CancellationScope, proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/activities.ts';
import type { IngestInput } from '../contracts/run.ts';
import { profiles } from './profiles.ts';

/**
 * Does some work while an activity holds the moment at which the source is read, where the source is one that has such
 * moments. When that activity is lost with its worker, it begins again at another moment; objects that had begun at the
 * one before notice it, and begin again too.
 */
export async function underSnapshot<T>(input: IngestInput, runId: string, work: () => Promise<T>): Promise<T> {
  // Runs of earlier versions have no such input.
  if (input.holdsSnapshot !== true) return work();
  const { holdSnapshot } = proxyActivities<Activities>(profiles(input).hold);
  const holding = new CancellationScope();
  const held = holding.run(() => holdSnapshot({ job: input.job, runId }));
  // It never ends by itself, and that it was cancelled is no news.
  held.catch(() => undefined);
  try {
    return await work();
  } finally {
    holding.cancel();
  }
}
