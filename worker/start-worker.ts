import type { Context } from '@temporalio/activity';
import type { LogLevel } from '@temporalio/worker';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { createActivities } from '../activities/activities.ts';
import type { ActivityDependencies } from '../activities/dependencies.ts';
import { HEAVY_TASK_QUEUE, HOLD_TASK_QUEUE, TASK_QUEUE, taskQueueOf } from '../contracts/ids.ts';
import type { WorkerBudget } from './budget.ts';
import { readBudget } from './budget.ts';
import { createDependencies } from './dependencies.ts';
import type { DeploymentVersion } from './deployment.ts';
import { deploymentVersion } from './deployment.ts';
import type { ServerConnection } from './dev-server/configured-server.ts';
import { ErrorBoundary } from './error-interceptor.ts';
import { HeavyGate, HeavyPlaces } from './heavy-gate.ts';
import { KeepAlive } from './keep-alive.ts';
import { loadWorkflowBundle } from './workflow-bundle.ts';

export interface StartWorkerOptions {
  readonly connection: ServerConnection;
  readonly namespace: string;
  readonly env: NodeJS.ProcessEnv;
  /** Receives one line of JSON for each log entry at or above `logLevel`. */
  readonly log: (line: string) => void;
  readonly logLevel?: LogLevel;
  /** Called at named points inside activities; the place where tests inject faults. */
  readonly reached?: ActivityDependencies['reached'];
  /** How long a workflow waits for the worker that knows it before any other may go on with it; default 10 s. */
  readonly stickyTimeoutMs?: number;
  /** Name of this machine: the worker also does the work that only it can do. Needed where several machines work. */
  readonly host?: string;
  /** Takes part in a worker deployment, if the environment names one. Only where several workers share a server. */
  readonly versioned?: boolean;
}

export interface RunningWorker {
  /** Stops taking work, lets what runs reach its next heartbeat, and waits. */
  shutdown(): Promise<void>;
  /** The build that it is of, where it takes part in a deployment. */
  readonly version: DeploymentVersion | undefined;
  /** Settles when the worker ends, rejects when it ends by itself. */
  readonly finished: Promise<void>;
}

/** Long enough for a commit to finish; a chunk is handed over to another worker instead. */
const SHUTDOWN_GRACE = '10s';
/** A cancellation reaches an activity with the answer to its heartbeat; progress is shown from heartbeats, too. */
const HEARTBEAT_INTERVAL = '500ms';
/** Workflow code is light, but each cached workflow holds memory. */
const CACHED_WORKFLOWS = 100;

/** Each holds no more than a connection that waits. */
const HELD_CONNECTIONS = 500;

const STICKY_TIMEOUT_MS = 10_000;

/**
 * One process that does all the work: workflows and light activities on one queue, heavy activities on the other, and
 * the same for activities that are bound to this machine.
 */
export async function startWorker(options: StartWorkerOptions): Promise<RunningWorker> {
  installRuntime(options);
  const budget = readBudget(options.env);
  const [bundle, connection] = await Promise.all([loadWorkflowBundle(), NativeConnection.connect(options.connection)]);
  try {
    const version = options.versioned === true ? deploymentVersion(options.env, bundle.code) : undefined;
    const workers = await createWorkers(options, budget, connection, bundle, version);
    const finished = Promise.all(workers.map((worker) => worker.run())).then(() => connection.close());
    // Whoever awaits `finished` sees the failure; without this line Node would end the process before they can.
    finished.catch(() => {});
    return {
      version,
      finished,
      async shutdown() {
        for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
        await finished;
      },
    };
  } catch (error) {
    // An open connection keeps the process alive.
    await connection.close().catch(() => {});
    throw error;
  }
}

async function createWorkers(
  options: StartWorkerOptions,
  budget: WorkerBudget,
  connection: NativeConnection,
  workflowBundle: { readonly code: string },
  version: DeploymentVersion | undefined,
): Promise<Worker[]> {
  const activities = createActivities(
    createDependencies({ env: options.env, budget, ...(options.reached ? { reached: options.reached } : {}) }),
  );
  const interceptors = [
    (context: Context) => ({ inbound: new ErrorBoundary(context) }),
    (context: Context) => ({ inbound: new KeepAlive(context) }),
  ];
  const places = new HeavyPlaces(budget.heavyActivities);
  const gate = (context: Context) => ({ inbound: new HeavyGate(context, places) });
  const shared = {
    connection,
    namespace: options.namespace,
    activities,
    shutdownGraceTime: SHUTDOWN_GRACE,
    maxHeartbeatThrottleInterval: HEARTBEAT_INTERVAL,
    ...(version === undefined ? {} : { workerDeploymentOptions: versioned(version) }),
  };
  const heavyOn = (taskQueue: string) =>
    Worker.create({
      ...shared,
      taskQueue,
      interceptors: { activity: [...interceptors, gate] },
      maxConcurrentActivityTaskExecutions: budget.heavyActivities,
    });
  const light = { ...shared, interceptors: { activity: interceptors }, maxConcurrentActivityTaskExecutions: 20 };
  // First the one without workflows: what the server refuses is refused here, and the SDK leaves the thread that it
  // starts for workflows behind when it is refused afterwards.
  const workers = [await heavyOn(HEAVY_TASK_QUEUE)];
  if (options.host !== undefined) {
    workers.push(await heavyOn(taskQueueOf(HEAVY_TASK_QUEUE, options.host)));
    workers.push(await Worker.create({ ...light, taskQueue: taskQueueOf(TASK_QUEUE, options.host) }));
  }
  for (const host of [undefined, ...(options.host === undefined ? [] : [options.host])]) {
    const taskQueue = taskQueueOf(HOLD_TASK_QUEUE, host);
    workers.push(await Worker.create({ ...light, taskQueue, maxConcurrentActivityTaskExecutions: HELD_CONNECTIONS }));
  }
  workers.push(
    await Worker.create({
      ...light,
      taskQueue: TASK_QUEUE,
      workflowBundle,
      maxCachedWorkflows: CACHED_WORKFLOWS,
      stickyQueueScheduleToStartTimeout: options.stickyTimeoutMs ?? STICKY_TIMEOUT_MS,
    }),
  );
  return workers;
}

/** Runs are short: each ends on the build that it was started on. */
function versioned(version: DeploymentVersion) {
  return { version, useWorkerVersioning: true, defaultVersioningBehavior: 'PINNED' } as const;
}

/** The SDK's runtime exists once in a process; a second worker in the same process shares it. */
let runtimeInstalled = false;
function installRuntime({ log, logLevel = 'WARN' }: StartWorkerOptions): void {
  if (runtimeInstalled) return;
  runtimeInstalled = true;
  Runtime.install({
    logger: new DefaultLogger(logLevel, ({ level, timestampNanos, message, meta }) =>
      log(
        JSON.stringify({
          time: new Date(Number(timestampNanos / 1_000_000n)).toISOString(),
          level,
          message,
          ...scrub(meta),
        }),
      ),
    ),
    telemetryOptions: { logging: { forward: {}, filter: { core: logLevel, other: 'ERROR' } } },
    shutdownSignals: [],
  });
}

/** Of the SDK's log metadata only ids are kept: an error's text may quote what a driver said. */
function scrub(meta: Record<string, unknown> | undefined): Record<string, unknown> {
  const kept = [
    'workflowId',
    'runId',
    'workflowType',
    'activityType',
    'activityId',
    'attempt',
    'taskQueue',
    'sdkComponent',
  ];
  return Object.fromEntries(Object.entries(meta ?? {}).filter(([key]) => kept.includes(key)));
}
