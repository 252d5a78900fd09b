import type { ScheduledMaintenanceResult, ScheduledTable } from '../contracts/maintenance.ts';
import type { scheduledMaintenance } from '../workflows/scheduled-maintenance.ts';
import type { CommandContext } from './command.ts';
import { printJson, sayTo } from './command.ts';
import type { ExitCode } from './exit-code.ts';
import { EXIT } from './exit-code.ts';
import { interrupted } from './interrupts.ts';
import { jobName } from './job-name.ts';
import { maintenanceLines } from './maintenance-lines.ts';
import type { KnownSchedule } from './schedule-store.ts';
import type { Session } from './session.ts';
import { painter } from './terminal.ts';
import type { Triggered } from './trigger.ts';
import { failureDetails, triggerSchedule } from './trigger.ts';
import { workflowLink } from './workflow-link.ts';

/** Maintains a table now, as its schedule would; tells how it went if it is to be waited for. */
export async function triggerMaintenance(
  context: CommandContext,
  { client, server }: Session,
  known: KnownSchedule,
  { waits, json }: { readonly waits: boolean; readonly json: boolean },
): Promise<ExitCode> {
  const { kind, tenant, asset } = known;
  const { out } = context.terminal;
  const triggered = await triggerSchedule(client, known);
  const url = triggered && workflowLink(server, triggered.workflowId, triggered.runId);
  const words = triggered ? `started.${url ? ` ${url}` : ''}` : 'the server has not started it yet.';
  if (!triggered || !waits) {
    if (json)
      printJson(context, {
        kind,
        tenant,
        asset,
        started: triggered !== undefined,
        ...(url === undefined ? {} : { url }),
      });
    else out.write(`${jobName(known)}: ${words}\n`);
    return EXIT.success;
  }
  sayTo(context)(`${jobName(known)}: ${words} Waiting for its end.`);
  const ended = await Promise.race([endOf(client, triggered), interrupted()]);
  if (ended === undefined) {
    sayTo(context)('The maintenance goes on.');
    return EXIT.interrupted;
  }
  if (json) printJson(context, { kind, tenant, asset, ...ended });
  else for (const one of ended.tables) out.write(`${linesOf(one, context).join('\n')}\n`);
  return EXIT_OF[ended.state];
}

const EXIT_OF: Readonly<Record<ScheduledMaintenanceResult['state'], ExitCode>> = {
  success: EXIT.success,
  unchanged: EXIT.success,
  skipped: EXIT.failed,
  partial: EXIT.partial,
  failed: EXIT.failed,
  cancelled: EXIT.failed,
};

async function endOf(client: Session['client'], { workflowId, runId }: Triggered): Promise<ScheduledMaintenanceResult> {
  try {
    return await client.workflow.getHandle<typeof scheduledMaintenance>(workflowId, runId).result();
  } catch (error) {
    const details = failureDetails(error);
    return isResult(details) ? details : { state: 'cancelled', tables: [] };
  }
}

function isResult(value: unknown): value is ScheduledMaintenanceResult {
  return typeof value === 'object' && value !== null && 'state' in value && 'tables' in value;
}

function linesOf({ table, state, result, failure }: ScheduledTable, { terminal }: CommandContext): string[] {
  const paint = painter(terminal.out.isColoured);
  if (state === 'skipped') return [`${paint.bold(table)}: skipped, because somebody maintains it.`];
  return maintenanceLines({ table, state, ...(result ? { result } : {}), ...(failure ? { failure } : {}) }, paint);
}
