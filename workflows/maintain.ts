import { defineSearchAttributeKey } from '@temporalio/common';
import {
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  isCancellation,
  log,
  proxyActivities,
  setCurrentDetails,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/activities.ts';
import type {
  MaintenanceInput,
  MaintenanceResult,
  MaintenanceRun,
  MaintenanceState,
  MaintenanceStep,
  StepResult,
} from '../contracts/maintenance.ts';
import { MAINTENANCE_STEPS } from '../contracts/maintenance.ts';
import { SEARCH_ATTRIBUTES } from '../contracts/search-attributes.ts';
import { compact } from './compact.ts';
import { hasCode, toRunFailure } from './failures.ts';
import { profiles } from './profiles.ts';

const RUN_STATE = defineSearchAttributeKey(SEARCH_ATTRIBUTES.runState.name, SEARCH_ATTRIBUTES.runState.type);

/**
 * Maintains one table, step by step; each leaves work for those after it. A step that does not know how to deal with the
 * table is left out, one that fails ends the maintenance: what was done before stands.
 */
export async function maintain(input: MaintenanceInput): Promise<MaintenanceResult> {
  const startedAt = new Date().toISOString();
  const { steps: wanted, mayBeAbsent, parallelGroups: _parallel, timeouts: _timeouts, ...given } = input;
  const run: MaintenanceRun = { ...given, runId: workflowInfo().firstExecutionRunId };
  const steps: StepResult[] = [];
  let [cancelled, absent] = [false, false];
  for (const step of MAINTENANCE_STEPS.filter((one) => wanted.includes(one))) {
    setCurrentDetails(`${label(run)}: ${STEP_WORDS[step]}.`);
    try {
      steps.push(await doStep(step, input, run));
    } catch (error) {
      cancelled = isCancellation(error);
      absent = mayBeAbsent === true && hasCode(error, 'TABLE_NOT_FOUND');
      if (absent) break;
      if (!cancelled) steps.push(failedStep(step, error));
      if (cancelled || steps.at(-1)?.state === 'failed') break;
    }
  }
  const state = cancelled ? 'cancelled' : overallState(steps);
  const { runId, tenant, dryRun = false } = run;
  const endedAt = new Date().toISOString();
  const ended: MaintenanceResult = { runId, tenant, table: label(run), state, dryRun, steps, startedAt, endedAt };
  const result = absent ? ended : await finish(input, run, ended);
  upsertSearchAttributes([{ key: RUN_STATE, value: state }]);
  const words = inWords(result);
  setCurrentDetails(words);
  if (state === 'failed') throw ApplicationFailure.nonRetryable(words, 'MaintenanceFailed', result);
  if (state === 'cancelled') throw new CancelledFailure(words);
  return result;
}

/** What the table is told to be going through. */
const STEP_WORDS: Readonly<Record<MaintenanceStep, string>> = {
  compact: 'looking for small files',
  rewrite_manifests: 'putting manifests together',
  expire: 'letting snapshots expire',
  remove_orphans: 'removing files that nothing refers to',
  clean_metadata: 'cleaning up metadata',
};

function doStep(step: MaintenanceStep, input: MaintenanceInput, run: MaintenanceRun): Promise<StepResult> {
  const activities = proxyActivities<Activities>(profiles(input).maintain);
  switch (step) {
    case 'compact':
      return compact(input, run);
    case 'rewrite_manifests':
      return activities.rewriteManifests(run);
    case 'expire':
      return activities.expireSnapshots(run);
    case 'remove_orphans':
      return activities.removeOrphans(run);
    case 'clean_metadata':
      return activities.cleanMetadata(run);
  }
}

function failedStep(step: MaintenanceStep, error: unknown): StepResult {
  const state = hasCode(error, 'MAINTENANCE_REFUSED') ? 'refused' : 'failed';
  return { step, state, notes: [], failure: toRunFailure(error) };
}

/** Tidies up behind the maintenance and records it, also while it is being cancelled. */
async function finish(
  input: MaintenanceInput,
  run: MaintenanceRun,
  result: MaintenanceResult,
): Promise<MaintenanceResult> {
  if (run.dryRun === true) return result;
  const { sweepMaintenance } = proxyActivities<Activities>(profiles(input).cleanup);
  const { recordMaintenance } = proxyActivities<Activities>(profiles(input).publish);
  try {
    await CancellationScope.nonCancellable(() => sweepMaintenance(run));
  } catch (error) {
    // The next maintenance finds what is left, as it finds the leavings of everybody else.
    log.warn('staged files could not be removed', { code: toRunFailure(error).code });
  }
  try {
    await CancellationScope.nonCancellable(() => recordMaintenance({ run, result }));
    return result;
  } catch (error) {
    return { ...result, recordFailure: toRunFailure(error) };
  }
}

function overallState(steps: readonly StepResult[]): MaintenanceState {
  const states = new Set(steps.map(({ state }) => state));
  if (!states.has('failed') && !states.has('refused')) return states.has('done') ? 'success' : 'unchanged';
  return states.has('done') || states.has('nothing') ? 'partial' : 'failed';
}

function inWords(result: MaintenanceResult): string {
  const { table, state, steps, recordFailure } = result;
  const done = steps.filter((step) => step.state === 'done').map(({ step }) => step.replace('_', ' '));
  const bad = steps.filter(({ failure }) => failure !== undefined).map(({ failure }) => failure?.message ?? '');
  const words = [
    state === 'unchanged' ? `${table}: nothing to do.` : `${table}: ${state}; done: ${done.join(', ') || 'nothing'}.`,
    ...bad,
    ...(recordFailure === undefined ? [] : [`The record is missing: ${recordFailure.message}`]),
  ];
  return words.join(' ');
}

function label({ namespace, table }: MaintenanceRun): string {
  return `${namespace}.${table}`;
}
