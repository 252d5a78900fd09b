import type { CommandContext, CommandDefinition } from '../command.ts';
import { isSet, printJson, textList, textOption } from '../command.ts';
import type { ExitCode } from '../exit-code.ts';
import { EXIT } from '../exit-code.ts';
import { jobName } from '../job-name.ts';
import { lastingSession } from '../schedule-session.ts';

const NAMES = 'asset, <tenant>/<asset>, or maintain/<namespace>.<table>';

export const pauseCommand: CommandDefinition = {
  name: 'pause',
  summary: 'pause the schedules of jobs; a run that goes on is left alone',
  examples: [
    'dativo pause orders',
    'dativo pause orders customers --note "month end"',
    'dativo pause acme/orders',
    'dativo pause maintain/shop.orders',
  ],
  declare: (command) =>
    command.argument('<job...>', NAMES).option('--note <text>', 'why; shown by dativo schedules and in Temporal'),
  run: (context, [jobs], options) => switchSchedules(context, textList(jobs), options, PAUSE),
};

export const resumeCommand: CommandDefinition = {
  name: 'resume',
  summary: 'resume the schedules of jobs; what was missed meanwhile is not run',
  examples: ['dativo resume orders', 'dativo resume orders customers --note "month end is over"'],
  declare: (command) => command.argument('<job...>', NAMES).option('--note <text>', 'why; shown in Temporal'),
  run: (context, [jobs], options) => switchSchedules(context, textList(jobs), options, RESUME),
};

interface Switch {
  readonly pauses: boolean;
  readonly note: string;
  readonly done: string;
  readonly already: string;
}

const PAUSE: Switch = { pauses: true, note: 'paused with dativo pause', done: 'paused', already: 'was paused already' };
const RESUME: Switch = {
  pauses: false,
  note: 'resumed with dativo resume',
  done: 'resumed',
  already: 'was not paused',
};

async function switchSchedules(
  context: CommandContext,
  jobs: readonly string[],
  options: Readonly<Record<string, unknown>>,
  { pauses, note, done, already }: Switch,
): Promise<ExitCode> {
  await using session = await lastingSession(context);
  const { client } = session;
  const { findSchedule } = await import('../find-schedule.ts');
  // All are found before any is changed: a name that is misspelt changes nothing.
  const found = [];
  for (const job of jobs) found.push(await findSchedule(client, job));
  const given = textOption(options, 'note');
  const results = [];
  for (const { scheduleId, kind, tenant, asset, description } of found) {
    const changed = description.state.paused !== pauses;
    const handle = client.schedule.getHandle(scheduleId);
    if (changed || given !== undefined) await (pauses ? handle.pause(given || note) : handle.unpause(given || note));
    results.push({ kind, tenant, asset, paused: pauses, changed });
  }
  if (isSet(options, 'json')) printJson(context, { schedules: results });
  else for (const one of results) context.terminal.out.write(`${jobName(one)}: ${one.changed ? done : already}.\n`);
  return EXIT.success;
}
