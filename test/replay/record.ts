/**
 * `npm run record-histories [-- <situation>…]`: runs every situation, or those that are named, on a real server with
 * activities that do nothing, and keeps the histories of its workflows in `histories/`. Record again only when a change
 * is meant to leave running workflows behind; the point of the old ones is that they do not change.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import { Client, Connection } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { NativeConnection, Worker } from '@temporalio/worker';
import type { Activities } from '../../activities/activities.ts';
import {
  HEAVY_TASK_QUEUE,
  HOLD_TASK_QUEUE,
  ingestWorkflowId,
  maintenanceWorkflowId,
  objectWorkflowId,
  TASK_QUEUE,
} from '../../contracts/ids.ts';
import type { MaintenanceInput } from '../../contracts/maintenance.ts';
import { MAINTENANCE_STEPS } from '../../contracts/maintenance.ts';
import type { IngestInput } from '../../contracts/run.ts';
import { acquireServer } from '../../worker/dev-server/dev-server.ts';
import { loadWorkflowBundle } from '../../worker/workflow-bundle.ts';
import type { ingest } from '../../workflows/ingest.ts';
import type { maintain } from '../../workflows/maintain.ts';
import { fakeActivities } from '../support/fake-activities.ts';
import type { MaintenanceSituation } from './maintenance-situations.ts';
import { MAINTENANCE_SITUATIONS } from './maintenance-situations.ts';
import type { ScheduleSituation } from './schedule-situations.ts';
import { SCHEDULE_SITUATIONS } from './schedule-situations.ts';
import type { Situation } from './situations.ts';
import { SITUATIONS } from './situations.ts';

const FOLDER = path.join(import.meta.dirname, 'histories');
const home = await mkdtemp(path.join(os.tmpdir(), 'dativo-record-'));
const server = await acquireServer({ home, announce: console.log, env: process.env });
const connection = await NativeConnection.connect(server.connection);
const clientConnection = await Connection.connect(server.connection);
const client = new Client({ connection: clientConnection });

async function record(situation: { activities(): Partial<Activities> }, play: () => Promise<void>): Promise<void> {
  const { activities } = fakeActivities(situation.activities());
  const options = { connection, namespace: server.namespace, activities };
  const light = await Worker.create({ ...options, taskQueue: TASK_QUEUE, workflowBundle: await loadWorkflowBundle() });
  const heavy = await Worker.create({ ...options, taskQueue: HEAVY_TASK_QUEUE });
  const hold = await Worker.create({ ...options, taskQueue: HOLD_TASK_QUEUE });
  await light.runUntil(heavy.runUntil(hold.runUntil(play)));
}

function inputOf(asset: string, objects: readonly string[]): IngestInput {
  return {
    job: { uri: 'file:///job.json', sha256: '0' },
    tenant: 'acme',
    asset,
    objects,
    options: { mode: 'incremental' },
    parallelChunks: 2,
    parallelObjects: 2,
    timeouts: { heartbeatMs: 5_000, retryInitialMs: 50 },
  };
}

function start(input: IngestInput): Promise<WorkflowHandle> {
  return client.workflow.start<typeof ingest>('ingest', {
    taskQueue: TASK_QUEUE,
    workflowId: ingestWorkflowId(input.tenant, input.asset),
    args: [input],
  });
}

async function playRun(situation: Situation): Promise<void> {
  const input = { ...inputOf(situation.name, situation.objects), ...situation.input };
  const { tenant, asset } = input;
  const handle = await start(input);
  const waits = situation.stopAt !== undefined || situation.cancel;
  if (waits) await sleep(2_000);
  if (situation.cancel) await handle.cancel();
  if (situation.stopAt === undefined) await handle.result().catch(() => {});
  await keep(`${situation.name}.ingest`, handle);
  for (const object of situation.objects) {
    await keep(`${situation.name}.${object}`, client.workflow.getHandle(objectWorkflowId(tenant, asset, object)));
  }
  if (situation.stopAt !== undefined) {
    await handle.cancel();
    await handle.result().catch(() => {});
  }
}

/** The first execution is kept: the next ones of a long backfill are like it. */
async function playSchedule(situation: ScheduleSituation): Promise<void> {
  const run = inputOf(situation.name, ['orders']);
  const other = situation.runGoesOn ? await start(run) : undefined;
  const { options: _options, ...job } = run;
  const { type, workflowId, input } = situation.start({ ...job, connector: 'csv' });
  // What runs is about to extract.
  if (other) await sleep(1_000);
  const { firstExecutionRunId } = await client.workflow.start(type, {
    taskQueue: TASK_QUEUE,
    workflowId,
    args: [input],
  });
  const handle = client.workflow.getHandle(workflowId, firstExecutionRunId);
  if (situation.cancel || situation.stopWhileWaiting) await sleep(2_000);
  if (situation.cancel) await handle.cancel();
  if (!situation.stopWhileWaiting) await handle.result().catch(() => {});
  await keep(situation.name, handle);
  const open = [handle, ...(other ? [other] : [])];
  for (const workflow of open) await workflow.cancel().catch(() => {});
  for (const workflow of open) await workflow.result().catch(() => {});
}

async function playMaintenance(situation: MaintenanceSituation): Promise<void> {
  const input: MaintenanceInput = {
    job: { uri: 'file:///job.json', sha256: '0' },
    tenant: 'acme',
    namespace: 'shop',
    table: situation.name,
    steps: MAINTENANCE_STEPS,
    settings: {},
    timeouts: { heartbeatMs: 5_000, retryInitialMs: 50 },
    ...situation.input,
  };
  const handle = await client.workflow.start<typeof maintain>('maintain', {
    taskQueue: TASK_QUEUE,
    workflowId: maintenanceWorkflowId(input.tenant, situation.name, 'lake'),
    args: [input],
  });
  if (situation.cancel) {
    await sleep(2_000);
    await handle.cancel();
  }
  await handle.result().catch(() => {});
  await keep(situation.name, handle);
}

async function keep(name: string, handle: WorkflowHandle): Promise<void> {
  const history = await handle.fetchHistory();
  // Stacks and identities tell of the machine that records, and replaying needs neither.
  const json = historyToJSON(history).replaceAll(/"(stackTrace|identity)": *"(?:[^"\\]|\\.)*"/g, '"$1": ""');
  await writeFile(path.join(FOLDER, `${name}.json`), `${json}\n`);
  console.log(`${name}: ${history.events?.length ?? 0} events`);
}

try {
  await mkdir(FOLDER, { recursive: true });
  const named = process.argv.slice(2);
  const isWanted = ({ name }: { name: string }) => named.length === 0 || named.includes(name);
  for (const situation of SITUATIONS.filter(isWanted)) await record(situation, () => playRun(situation));
  for (const situation of MAINTENANCE_SITUATIONS.filter(isWanted)) {
    await record(situation, () => playMaintenance(situation));
  }
  for (const situation of SCHEDULE_SITUATIONS.filter(isWanted)) await record(situation, () => playSchedule(situation));
} finally {
  await clientConnection.close();
  await connection.close();
  await server.release();
  await rm(home, { recursive: true, force: true });
}
