import type { Connection } from '@temporalio/client';
import { fail } from '../contracts/errors.ts';
import type { DeploymentVersion } from '../worker/deployment.ts';

/** gRPC's codes for what is not there (yet), and for what does not fit the state of things. */
const [NOT_FOUND, FAILED_PRECONDITION] = [5, 9];

/** What became of new runs when a worker of a build came. */
export type Promotion =
  /** They are given to this build; before, to the one named, if there was one. */
  | { readonly current: true; readonly before?: string }
  /** They are still given to another build. */
  | { readonly current: false; readonly before: string };

/**
 * Lets new runs start on the build of this worker when it is the first of its deployment, or when `promote` says so.
 * Running ones stay on the build that they were started on. Throws DEPLOYMENT_INCOMPLETE.
 */
export async function promoteBuild(
  connection: Connection,
  namespace: string,
  { deploymentName, buildId }: DeploymentVersion,
  promote: boolean,
): Promise<Promotion> {
  const { workflowService } = connection;
  const described = await workflowService.describeWorkerDeployment({ namespace, deploymentName }).catch(absent);
  const before = described?.workerDeploymentInfo?.routingConfig?.currentDeploymentVersion?.buildId ?? undefined;
  if (before === buildId) return { current: true, before };
  if (before !== undefined && !promote) return { current: false, before };
  try {
    // This worker polls, though the server may not have noticed yet.
    await workflowService.setWorkerDeploymentCurrentVersion({
      ...{ namespace, deploymentName, buildId, allowNoPollers: true },
      ...(described?.conflictToken ? { conflictToken: described.conflictToken } : {}),
    });
  } catch (error) {
    if (codeOf(error) !== FAILED_PRECONDITION) throw error;
    throw fail('DEPLOYMENT_INCOMPLETE', {
      received: `build ${buildId} of ${deploymentName}, whose workers do not take work from every task queue of build ${before ?? 'that is current'}`,
      expected: 'workers of the new build wherever there are some of the old one, or another promotion that has ended',
      next: 'start them on the other hosts first, then start one with --promote again',
    });
  }
  return before === undefined ? { current: true } : { current: true, before };
}

function absent(error: unknown): undefined {
  if (codeOf(error) === NOT_FOUND) return undefined;
  throw error;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
