import type { CommandDefinition } from '../command.ts';
import { isSet, printJson, textOption } from '../command.ts';
import { EXIT } from '../exit-code.ts';
import { lastingSession } from '../schedule-session.ts';
import { painter } from '../terminal.ts';

export const schedulesCommand: CommandDefinition = {
  name: 'schedules',
  summary: 'list what runs by schedule, jobs and maintenances: when, the next run, how the last one ended',
  examples: ['dativo schedules', 'dativo schedules --project shop --json'],
  declare: (command) => command.option('--project <name>', 'only those of this project'),
  async run(context, _args, options) {
    await using session = await lastingSession(context);
    const { listSchedules } = await import('../schedule-store.ts');
    const { scheduleJson, scheduleLines, withLastStates } = await import('../schedule-list.ts');
    const project = textOption(options, 'project');
    const listed = await listSchedules(session.client);
    const wanted = project === undefined ? listed : listed.filter((schedule) => schedule.project === project);
    const entries = await withLastStates(session.client, wanted);
    const { out } = context.terminal;
    if (isSet(options, 'json')) printJson(context, { schedules: entries.map(scheduleJson) });
    else if (entries.length === 0) out.write('No schedules. Next: dativo apply <folder>\n');
    else out.write(`${scheduleLines(entries, Date.now(), painter(out.isColoured)).join('\n')}\n`);
    return EXIT.success;
  },
};
