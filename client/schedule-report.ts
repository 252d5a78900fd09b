import { formatPlural } from '../contracts/figures.ts';
import type { CommandContext } from './command.ts';
import type { ExitCode } from './exit-code.ts';
import { EXIT } from './exit-code.ts';
import type { AppliedPlan } from './schedule-apply.ts';
import type { DesiredSchedule } from './schedule-desired.ts';
import type { SchedulePlan } from './schedule-plan.ts';
import { planLines } from './schedule-plan-lines.ts';
import { painter } from './terminal.ts';

/** Shows a plan before anything is done. */
export function showPlan(context: CommandContext, plan: SchedulePlan, server: string): void {
  const { out } = context.terminal;
  const paint = painter(out.isColoured);
  out.write(`Project ${paint.bold(plan.project)} on ${server}\n`);
  out.write(`${planLines(plan, Date.now(), paint).join('\n')}\n`);
}

/** The plan for programs. */
export function planJson({ project, create, update, remove, unchanged, elsewhere }: SchedulePlan) {
  const nameOf = ({ kind, tenant, asset, file }: DesiredSchedule) => ({ kind, tenant, asset, file });
  return {
    project,
    create: create.map((desired) => ({ ...nameOf(desired), schedule: desired.fields })),
    update: update.map(({ desired, changes }) => ({ ...nameOf(desired), changes })),
    delete: remove.map(({ kind, tenant, asset }) => ({ kind, tenant, asset })),
    unchanged: unchanged.map(nameOf),
    elsewhere: elsewhere.map(nameOf),
  };
}

export function appliedJson({ done, failed, notBegun }: AppliedPlan) {
  const failures = failed.map(({ scheduleId, error: { code, message } }) => ({ scheduleId, code, message }));
  return { done, failed: failures, notBegun };
}

export function showApplied(context: CommandContext, { done, failed, notBegun }: AppliedPlan): void {
  const { out, err } = context.terminal;
  const paint = painter(err.isColoured);
  for (const { scheduleId, error } of failed) {
    err.write(`${paint.bad('dativo:')} ${scheduleId}: ${error.message} ${paint.dim(`(${error.code})`)}\n`);
  }
  const rest = [
    ...(failed.length > 0 ? [`${failed.length} failed`] : []),
    ...(notBegun > 0 ? [`${notBegun} not begun`] : []),
  ];
  const again = rest.length > 0 ? ` (${rest.join(', ')}; apply again to go on)` : '';
  out.write(`Applied ${formatPlural(done, 'change')}${again}. Next: dativo schedules\n`);
}

export function exitCodeOf({ done, failed, notBegun }: AppliedPlan): ExitCode {
  if (failed.length + notBegun === 0) return EXIT.success;
  return done > 0 ? EXIT.partial : EXIT.failed;
}
