import { HEAVY_TASK_QUEUE, taskQueueOf } from '../contracts/ids.ts';
import type { Session } from './session.ts';

/** The number that Temporal's protocol has for the activities of a task queue. */
const ACTIVITIES = 2;

/** What a user has to know about a job whose lake is on the disk of one machine. */
export function boundTo(host: string): string {
  return `its lake is on the disk of one machine, so only workers on ${host} do its work.`;
}

/**
 * Says that nobody takes the work of a run, where that is so: it would wait without a word. A session with a worker of
 * its own has one, or is about to.
 */
export async function missingWorker(session: Session, host: string | undefined): Promise<string | undefined> {
  const { server, connection, hasWorker } = session;
  if (hasWorker) return undefined;
  const queue = taskQueueOf(HEAVY_TASK_QUEUE, host);
  const { pollers } = await connection.workflowService.describeTaskQueue({
    namespace: server.namespace,
    taskQueue: { name: queue },
    taskQueueType: ACTIVITIES,
  });
  if ((pollers ?? []).length > 0) return undefined;
  const where = host === undefined ? 'on any machine that reaches the server' : `on ${host}`;
  return `no worker works for it now; it waits until \`dativo worker\` is started ${where}.`;
}
