import { fail } from '../contracts/errors.ts';
import type { FireWindow, Timing } from '../contracts/fire-times.ts';
import { fireWindows, lastFireWindow, toLocalText } from '../contracts/fire-times.ts';
import type { LastWindowInput, TextWindow, WindowsInput, WindowsResult } from '../contracts/schedule.ts';

/** What a schedule's times are: an activity, because time zones change with the version of Node that knows them. */
export interface ScheduleWindowActivities {
  /** The last interval between two times of the schedule that is over. */
  lastWindow(input: LastWindowInput): Promise<TextWindow>;
  /** A span divided at the times of the schedule. */
  windowsBetween(input: WindowsInput): Promise<WindowsResult>;
}

export function createScheduleWindowActivities(): ScheduleWindowActivities {
  return {
    async lastWindow({ timing, at }) {
      const window = lastFireWindow(timing, at);
      if (window) return inWords(timing, window);
      throw fail('JOB_FILE_INVALID', {
        received: 'a schedule that has no two times',
        expected: 'one that recurs',
        next: 'correct schedule.cron and apply it again',
      });
    },

    async windowsBetween({ timing, from, to, limit }) {
      const windows = fireWindows(timing, from, to, limit);
      const end = windows.at(-1)?.to ?? to;
      return { windows: windows.map((window) => inWords(timing, window)), ...(end < to ? { next: end } : {}) };
    },
  };
}

function inWords(timing: Timing, { from, to }: FireWindow): TextWindow {
  const timezone = 'timezone' in timing ? timing.timezone : 'UTC';
  return { from: toLocalText(from, timezone), to: toLocalText(to, timezone) };
}
