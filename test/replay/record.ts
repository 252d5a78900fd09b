/**
 * `npm run record-histories`: runs every situation on a real server with activities that do nothing, and keeps the
 * histories of its workflows in `histories/`. Record again only when a change is meant to leave running workflows
 * behind; the point of the old ones is that they do not change.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { NativeConnection, Worker } from '@temporalio/worker';
import { HEAVY_TASK_QUEUE, ingestWorkflowId, objectWorkflowId, TASK_QUEUE } from '../../contracts/ids.ts';
import type { IngestInput } from '../../contracts/run.ts';
import { acquireServer } from '../../worker/dev-server/dev-server.ts';
import { loadWorkflowBundle } from '../../worker/workflow-bundle.ts';
import type { ingest } from '../../workflows/ingest.ts';
import { fakeActivities } from '../support/fake-activities.ts';
import type { Situation } from './situations.ts';
import { SITUATIONS } from './situations.ts';

const FOLDER = path.join(import.meta.dirname, 'histories');
const home = await mkdtemp(path.join(os.tmpdir(), 'dativo-record-'));
const server = await acquireServer({ home, announce: console.log, env: process.env });
const connection = await NativeConnection.connect(server.connection);
const clientConnection = await Connection.connect(server.connection);
const client = new Client({ connection: clientConnection });

async function record(situation: Situation): Promise<void> {
  const { activities } = fakeActivities(situation.activities());
  const options = { connection, namespace: server.namespace, activities };
  const light = await Worker.create({ ...options, taskQueue: TASK_QUEUE, workflowBundle: await loadWorkflowBundle() });
  const heavy = await Worker.create({ ...options, taskQueue: HEAVY_TASK_QUEUE });
  await light.runUntil(heavy.runUntil(play(situation)));
}

async function play(situation: Situation): Promise<void> {
  const tenant = 'acme';
  const asset = situation.name;
  const input: IngestInput = {
    job: { uri: 'file:///job.json', sha256: '0' },
    tenant,
    asset,
    objects: situation.objects,
    options: { mode: 'incremental' },
    parallelChunks: 2,
    parallelObjects: 2,
    timeouts: { heartbeatMs: 5_000, retryInitialMs: 50 },
  };
  const workflowId = ingestWorkflowId(tenant, asset);
  const handle = await client.workflow.start<typeof ingest>('ingest', {
    taskQueue: TASK_QUEUE,
    workflowId,
    args: [input],
  });
  const waits = situation.stopAt !== undefined || situation.cancel;
  if (waits) await sleep(2_000);
  if (situation.cancel) await handle.cancel();
  if (situation.stopAt === undefined) await handle.result().catch(() => {});
  await keep(`${situation.name}.ingest`, workflowId);
  for (const object of situation.objects) {
    await keep(`${situation.name}.${object}`, objectWorkflowId(tenant, asset, object));
  }
  if (situation.stopAt !== undefined) {
    await handle.cancel();
    await handle.result().catch(() => {});
  }
}

async function keep(name: string, workflowId: string): Promise<void> {
  const history = await client.workflow.getHandle(workflowId).fetchHistory();
  // Stacks and identities tell of the machine that records, and replaying needs neither.
  const json = historyToJSON(history).replaceAll(/"(stackTrace|identity)": *"(?:[^"\\]|\\.)*"/g, '"$1": ""');
  await writeFile(path.join(FOLDER, `${name}.json`), `${json}\n`);
  console.log(`${name}: ${history.events?.length ?? 0} events`);
}

try {
  await mkdir(FOLDER, { recursive: true });
  for (const situation of SITUATIONS) await record(situation);
} finally {
  await clientConnection.close();
  await connection.close();
  await server.release();
  await rm(home, { recursive: true, force: true });
}
