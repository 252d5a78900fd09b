import { fail } from '../contracts/errors.ts';
import type { StagedObject } from '../contracts/run.ts';
import type { ActivityDependencies } from './dependencies.ts';

export interface EvaluateActivities {
  /** Judges what was staged before anyone can read it. Throws TOO_MANY_BAD_ROWS. */
  evaluateObject(staged: StagedObject): Promise<void>;
}

export function createEvaluateActivities(deps: ActivityDependencies): EvaluateActivities {
  return {
    async evaluateObject({ run, counts }) {
      await deps.reached('evaluate:before');
      const { maxBadRows } = await deps.openJob(run.job);
      if (counts.quarantined <= maxBadRows) return;
      // Each chunk stayed below the limit, but together they did not.
      throw fail('TOO_MANY_BAD_ROWS', {
        received: `${counts.quarantined} rows that cannot be used`,
        expected: `at most ${maxBadRows} (source.max_bad_rows)`,
        next: 'correct the source or the types it is read with, or raise source.max_bad_rows',
      });
    },
  };
}
