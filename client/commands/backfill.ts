import type { Command } from 'commander';
import { Option } from 'commander';
import { formatCount, formatPlural } from '../../contracts/figures.ts';
import type { BackfillOverlap, BackfillResult } from '../../contracts/schedule.ts';
import type { BackfillEnding } from '../backfill.ts';
import type { CommandContext, CommandDefinition } from '../command.ts';
import { isSet, printJson, sayTo, textOption } from '../command.ts';
import { confirm } from '../confirm.ts';
import type { ExitCode } from '../exit-code.ts';
import { EXIT } from '../exit-code.ts';
import { onInterrupt } from '../interrupts.ts';
import { jobName } from '../job-name.ts';
import { lastingSession } from '../schedule-session.ts';
import type { KnownSchedule } from '../schedule-store.ts';
import type { Session } from '../session.ts';
import { painter } from '../terminal.ts';
import { usage } from '../usage.ts';
import { workflowLink } from '../workflow-link.ts';

const OVERLAPS: readonly BackfillOverlap[] = ['buffer_all', 'skip', 'cancel_other'];

export const backfillCommand: CommandDefinition = {
  name: 'backfill',
  summary: 'run a job over a span of the past, window by window, as its schedule divides it',
  examples: [
    'dativo backfill orders --from 2026-01-01 --to 2026-02-01',
    'dativo backfill orders --from 2026-01-01T06:00 --to 2026-01-02T06:00 --yes --detach',
    'dativo backfill orders --cancel',
  ],
  declare: (command: Command) =>
    command
      .argument('<job>', 'asset, or <tenant>/<asset>')
      .option('--from <time>', 'start of the span; without an offset in the time zone of the schedule')
      .option('--to <time>', 'end of the span, not in it')
      .addOption(
        new Option('--overlap <policy>', 'what becomes of a window while another run of the asset goes on')
          .choices(OVERLAPS)
          .default('buffer_all'),
      )
      .option('--dry-run', 'say which windows there are; start nothing')
      .option('--detach', 'do not wait for the end')
      .option('--cancel', 'end the backfill of the job that goes on')
      .option('-y, --yes', 'do not ask')
      .addHelpText(
        'after',
        '\nEach window is a run with --from and --to: the job needs a cursor_field. A window that has rows already is left' +
          '\nas it is, so a backfill can be started again. Ctrl-C leaves it going.' +
          '\nExit codes: 0 every window is done, 1 none is, 2 wrong command line, 3 some are.',
      ),
  async run(context, [job], options) {
    await using session = await lastingSession(context);
    const { findSchedule } = await import('../find-schedule.ts');
    const known = await findSchedule(session.client, String(job));
    if (known.kind === 'maintenance') {
      throw usage(`${String(job)}, which is no job`, 'a job', 'maintain the table with `dativo maintain`');
    }
    return isSet(options, 'cancel')
      ? await cancel(context, session, known, isSet(options, 'json'))
      : await run(context, session, known, options);
  },
};

async function cancel(
  context: CommandContext,
  session: Session,
  known: KnownSchedule,
  json: boolean,
): Promise<ExitCode> {
  const { cancelBackfill } = await import('../backfill.ts');
  const cancelled = await cancelBackfill(session.client, known);
  const { tenant, asset } = known;
  if (json) printJson(context, { tenant, asset, cancelled });
  else context.terminal.out.write(`${jobName(known)}: ${cancelled ? 'backfill cancelled' : 'no backfill goes on'}.\n`);
  return EXIT.success;
}

async function run(
  context: CommandContext,
  session: Session,
  known: KnownSchedule,
  options: Readonly<Record<string, unknown>>,
): Promise<ExitCode> {
  const { client, server } = session;
  const json = isSet(options, 'json');
  const { countWindows, followBackfill, inputOfSchedule, startBackfill } = await import('../backfill.ts');
  const { toLocalText } = await import('../../contracts/fire-times.ts');
  const { readSpan } = await import('../backfill-span.ts');
  const [from, to] = [textOption(options, 'from'), textOption(options, 'to')];
  if (from === undefined || to === undefined) {
    throw usage(
      'a backfill without its span',
      '--from and --to',
      'name both ends, such as --from 2026-01-01 --to 2026-02-01',
    );
  }
  const input = inputOfSchedule(known);
  const timezone = 'timezone' in input.timing ? input.timing.timezone : 'UTC';
  const span = readSpan(from, to, timezone, Date.now());
  const windows = countWindows(input.timing, span);
  const bounds = { from: toLocalText(span.from, timezone), to: toLocalText(span.to, timezone) };
  const plan = `${jobName(known)}: ${formatPlural(windows, 'window')} from ${bounds.from} to ${bounds.to}, one after the other.`;
  const { tenant, asset } = known;
  const told = { tenant, asset, ...bounds, windows };
  if (!json) context.terminal.out.write(`${plan}\n`);
  if (isSet(options, 'dryRun')) {
    if (json) printJson(context, { ...told, started: false });
    return EXIT.success;
  }
  if (!isSet(options, 'yes') && !(await confirm(context, 'Start?'))) {
    sayTo(context)('Nothing was started.');
    return EXIT.failed;
  }
  const handle = await startBackfill(client, input, { ...span, windows, overlap: overlapIn(options) });
  const url = workflowLink(server, handle.workflowId, handle.firstExecutionRunId);
  sayTo(context)(`Started${url ? `: ${url}` : ''}. End it with \`dativo backfill ${jobName(known)} --cancel\`.`);
  if (isSet(options, 'detach')) {
    if (json) printJson(context, { ...told, started: true });
    return EXIT.success;
  }
  const left = new AbortController();
  const stopListening = onInterrupt(() => left.abort());
  const ending = await followBackfill(client, handle, sayTo(context), left.signal).finally(stopListening);
  if (!ending) {
    sayTo(context)('It goes on.');
    return EXIT.interrupted;
  }
  if (json) printJson(context, { ...told, started: true, ...ending });
  else report(context, known, ending);
  return EXIT_OF[ending.state];
}

function overlapIn(options: Readonly<Record<string, unknown>>): BackfillOverlap {
  return OVERLAPS.find((overlap) => overlap === options['overlap']) ?? 'buffer_all';
}

const EXIT_OF = {
  success: EXIT.success,
  partial: EXIT.partial,
  failed: EXIT.failed,
  cancelled: EXIT.failed,
  lost: EXIT.failed,
} as const;

function report(context: CommandContext, known: KnownSchedule, ending: BackfillEnding): void {
  const { out } = context.terminal;
  const paint = painter(out.isColoured);
  const name = jobName(known);
  if (!('left' in ending)) {
    const words = ending.state === 'cancelled' ? 'cancelled' : 'ended by force in Temporal';
    out.write(`${paint.warn(`${name}: backfill ${words}; windows that were done before stay.`)}\n`);
    return;
  }
  const colour = ending.state === 'success' ? paint.good : ending.state === 'partial' ? paint.warn : paint.bad;
  out.write(
    `${colour(`${name}: ${formatCount(ending.rows)} rows committed from ${formatPlural(ending.committed, 'window')}.`)}\n`,
  );
  for (const line of countLines(ending)) out.write(`  ${line}\n`);
  for (const { from, to, code, message } of ending.failures) {
    out.write(`  ${paint.bad(`${from} to ${to}`)}: ${message} ${paint.dim(`(${code})`)}\n`);
  }
}

function countLines({ empty, present, skipped, failed, left }: BackfillResult): string[] {
  const windows = (count: number) => formatPlural(count, 'window');
  return [
    ...(empty > 0 ? [`${windows(empty)} without new rows`] : []),
    ...(present > 0 ? [`${windows(present)} left as they were: they have rows already`] : []),
    ...(skipped > 0 ? [`${windows(skipped)} skipped: another run went on`] : []),
    ...(failed > 0 ? [`${windows(failed)} failed`] : []),
    ...(left > 0 ? [`${windows(left)} not begun, after these failures`] : []),
  ];
}
