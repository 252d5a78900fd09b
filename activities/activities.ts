import type { CommitActivities } from './commit.ts';
import { createCommitActivities } from './commit.ts';
import type { ActivityDependencies } from './dependencies.ts';
import type { DiscardActivities } from './discard.ts';
import { createDiscardActivities } from './discard.ts';
import type { EvaluateActivities } from './evaluate.ts';
import { createEvaluateActivities } from './evaluate.ts';
import type { ExtractActivities } from './extract.ts';
import { createExtractActivities } from './extract.ts';
import type { HoldSnapshotActivities } from './hold-snapshot.ts';
import { createHoldSnapshotActivities } from './hold-snapshot.ts';
import type { MaintainActivities } from './maintain.ts';
import { createMaintainActivities } from './maintain.ts';
import type { CompactActivities } from './maintain-compact.ts';
import { createCompactActivities } from './maintain-compact.ts';
import type { MaintainRecordActivities } from './maintain-record.ts';
import { createMaintainRecordActivities } from './maintain-record.ts';
import type { MergeActivities } from './merge.ts';
import { createMergeActivities } from './merge.ts';
import type { PlanActivities } from './plan.ts';
import { createPlanActivities } from './plan.ts';
import type { PublishActivities } from './publish.ts';
import { createPublishActivities } from './publish.ts';
import type { ScheduleWindowActivities } from './schedule-windows.ts';
import { createScheduleWindowActivities } from './schedule-windows.ts';

/** Every activity, one chapter of a run or of a maintenance each. Workflows know only this type. */
export type Activities = PlanActivities &
  HoldSnapshotActivities &
  ExtractActivities &
  EvaluateActivities &
  MergeActivities &
  CommitActivities &
  PublishActivities &
  DiscardActivities &
  ScheduleWindowActivities &
  CompactActivities &
  MaintainActivities &
  MaintainRecordActivities;

export function createActivities(deps: ActivityDependencies): Activities {
  return {
    ...createPlanActivities(deps),
    ...createHoldSnapshotActivities(deps),
    ...createExtractActivities(deps),
    ...createEvaluateActivities(deps),
    ...createMergeActivities(deps),
    ...createCommitActivities(deps),
    ...createPublishActivities(deps),
    ...createDiscardActivities(deps),
    ...createScheduleWindowActivities(),
    ...createCompactActivities(deps),
    ...createMaintainActivities(deps),
    ...createMaintainRecordActivities(deps),
  };
}
