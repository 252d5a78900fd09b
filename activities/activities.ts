import type { CommitActivities } from './commit.ts';
import { createCommitActivities } from './commit.ts';
import type { ActivityDependencies } from './dependencies.ts';
import type { DiscardActivities } from './discard.ts';
import { createDiscardActivities } from './discard.ts';
import type { EvaluateActivities } from './evaluate.ts';
import { createEvaluateActivities } from './evaluate.ts';
import type { ExtractActivities } from './extract.ts';
import { createExtractActivities } from './extract.ts';
import type { PlanActivities } from './plan.ts';
import { createPlanActivities } from './plan.ts';
import type { PublishActivities } from './publish.ts';
import { createPublishActivities } from './publish.ts';

/** Every activity, one chapter of a run each. Workflows know only this type. */
export type Activities = PlanActivities &
  ExtractActivities &
  EvaluateActivities &
  CommitActivities &
  PublishActivities &
  DiscardActivities;

export function createActivities(deps: ActivityDependencies): Activities {
  return {
    ...createPlanActivities(deps),
    ...createExtractActivities(deps),
    ...createEvaluateActivities(deps),
    ...createCommitActivities(deps),
    ...createPublishActivities(deps),
    ...createDiscardActivities(deps),
  };
}
