import type { MaintenanceInput } from '../contracts/maintenance.ts';
import type { CommandContext } from './command.ts';
import { sayTo } from './command.ts';
import { onInterrupt } from './interrupts.ts';
import type { EndedMaintenance, StartedMaintenance } from './maintain.ts';
import { followMaintenance, startMaintenance } from './maintain.ts';
import type { Session } from './session.ts';

/** Tables that are maintained at once; each may rewrite several groups of files at once. */
const TABLES_AT_ONCE = 2;

/** Maintains tables through Temporal, tells how it goes on, and how it ended, in their order. Ctrl-C cancels. */
export async function maintainTables(
  context: CommandContext,
  { client, broken }: Session,
  tables: readonly MaintenanceInput[],
): Promise<EndedMaintenance[]> {
  const say = sayTo(context);
  const active = new Map<string, StartedMaintenance>();
  let isInterrupted = false;
  const cancelOne = ({ workflowId, runId }: StartedMaintenance) =>
    // It may have ended in this moment, which is as good.
    void client.workflow
      .getHandle(workflowId, runId)
      .cancel()
      .catch(() => {});
  const stopListening = onInterrupt(() => {
    isInterrupted = true;
    say('Cancelling; what was done stays, what is staged is removed. Ctrl-C again leaves at once.');
    for (const started of active.values()) cancelOne(started);
  });
  const maintainOne = async (input: MaintenanceInput): Promise<EndedMaintenance> => {
    const started = await startMaintenance(client, input);
    if (started.joined) say(`${started.table}: is being maintained already: following that.`);
    active.set(started.table, started);
    if (isInterrupted) cancelOne(started);
    try {
      return await followMaintenance(client, started, say);
    } finally {
      active.delete(started.table);
    }
  };
  try {
    return await Promise.race([inLanes(tables, () => isInterrupted, maintainOne), broken]);
  } finally {
    stopListening();
  }
}

/** Works on the tables in order, a few at once; starts no further one after an interruption. */
async function inLanes<T, R>(items: readonly T[], isOver: () => boolean, work: (item: T) => Promise<R>): Promise<R[]> {
  const results: (R | undefined)[] = items.map(() => undefined);
  const queue = items.entries();
  const lane = async () => {
    for (const [index, item] of queue) {
      if (isOver()) return;
      results[index] = await work(item);
    }
  };
  await Promise.all(Array.from({ length: Math.min(TABLES_AT_ONCE, items.length) }, lane));
  return results.filter((result) => result !== undefined);
}
