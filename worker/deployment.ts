import { createHash } from 'node:crypto';
import { fail } from '../contracts/errors.ts';

/** One build among those of a worker deployment: Temporal keeps a workflow with the build that it was started on. */
export interface DeploymentVersion {
  readonly deploymentName: string;
  readonly buildId: string;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/;
const BUILD = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

/**
 * The version that a worker of this environment is of: undefined without `DATIVO_DEPLOYMENT`. Its build is
 * `DATIVO_BUILD_ID`, else the digest of the workflows: workers of the same code are of the same build.
 * Throws USAGE for names that Temporal would refuse.
 */
export function deploymentVersion(env: NodeJS.ProcessEnv, workflowCode: string): DeploymentVersion | undefined {
  const deploymentName = env['DATIVO_DEPLOYMENT'];
  if (!deploymentName) return undefined;
  const buildId = env['DATIVO_BUILD_ID'] || createHash('sha256').update(workflowCode).digest('hex').slice(0, 12);
  const wrong = !NAME.test(deploymentName) ? 'DATIVO_DEPLOYMENT' : !BUILD.test(buildId) ? 'DATIVO_BUILD_ID' : undefined;
  if (wrong === undefined) return { deploymentName, buildId };
  throw fail('USAGE', {
    received: `${wrong} with a name that Temporal has no place for`,
    expected: 'letters, digits, - and _ (in a build . too), at most 100, the first one a letter or a digit',
    next: `correct ${wrong}`,
  });
}
