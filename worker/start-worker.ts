import type { Context } from '@temporalio/activity';
import type { LogLevel } from '@temporalio/worker';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { createActivities } from '../activities/activities.ts';
import type { ActivityDependencies } from '../activities/dependencies.ts';
import { HEAVY_TASK_QUEUE, TASK_QUEUE } from '../contracts/ids.ts';
import { readBudget } from './budget.ts';
import { createDependencies } from './dependencies.ts';
import type { ServerConnection } from './dev-server/configured-server.ts';
import { ErrorBoundary } from './error-interceptor.ts';
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
}

export interface RunningWorker {
  /** Stops taking work, lets what runs reach its next heartbeat, and waits. */
  shutdown(): Promise<void>;
  /** Settles when the worker ends, rejects when it ends by itself. */
  readonly finished: Promise<void>;
}

/** Long enough for a commit to finish; a chunk is handed over to another worker instead. */
const SHUTDOWN_GRACE = '10s';
/** A cancellation reaches an activity with the answer to its heartbeat; progress is shown from heartbeats, too. */
const HEARTBEAT_INTERVAL = '500ms';
/** Workflow code is light, but each cached workflow holds memory. */
const CACHED_WORKFLOWS = 100;

const STICKY_TIMEOUT_MS = 10_000;

/** One process that does all the work: workflows and light activities on one queue, heavy activities on the other. */
export async function startWorker(options: StartWorkerOptions): Promise<RunningWorker> {
  installRuntime(options);
  const [bundle, connection] = await Promise.all([loadWorkflowBundle(), NativeConnection.connect(options.connection)]);
  const budget = readBudget(options.env);
  const activities = createActivities(
    createDependencies({ env: options.env, budget, ...(options.reached ? { reached: options.reached } : {}) }),
  );
  const shared = {
    connection,
    namespace: options.namespace,
    activities,
    shutdownGraceTime: SHUTDOWN_GRACE,
    maxHeartbeatThrottleInterval: HEARTBEAT_INTERVAL,
    interceptors: {
      activity: [
        (context: Context) => ({ inbound: new ErrorBoundary(context) }),
        (context: Context) => ({ inbound: new KeepAlive(context) }),
      ],
    },
  };
  const workers = await Promise.all([
    Worker.create({
      ...shared,
      taskQueue: TASK_QUEUE,
      workflowBundle: bundle,
      maxCachedWorkflows: CACHED_WORKFLOWS,
      stickyQueueScheduleToStartTimeout: options.stickyTimeoutMs ?? STICKY_TIMEOUT_MS,
      maxConcurrentActivityTaskExecutions: 20,
    }),
    Worker.create({
      ...shared,
      taskQueue: HEAVY_TASK_QUEUE,
      maxConcurrentActivityTaskExecutions: budget.heavyActivities,
    }),
  ]);
  const finished = Promise.all(workers.map((worker) => worker.run())).then(() => connection.close());
  // Whoever awaits `finished` sees the failure; without this line Node would end the process before they can.
  finished.catch(() => {});
  return {
    finished,
    async shutdown() {
      for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
      await finished;
    },
  };
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
