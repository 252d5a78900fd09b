import { formatBytes, formatCount } from '../contracts/figures.ts';
import type { Figures, MaintenanceState, StepResult } from '../contracts/maintenance.ts';
import { STEP_MEASURES } from '../contracts/maintenance.ts';
import type { EndedMaintenance } from './maintain.ts';
import { tableLines } from './table.ts';
import type { Paint } from './terminal.ts';

const COLUMNS = [
  { title: '  step' },
  { title: 'files', align: 'right' },
  { title: '', align: 'left' },
  { title: 'bytes', align: 'right' },
  { title: '', align: 'left' },
  { title: 'of' },
] as const;

type MaintainedInWords = Pick<EndedMaintenance, 'table' | 'state' | 'result' | 'failure'>;

/** A table's maintenance: how it ended, and for each step the figures before and after. */
export function maintenanceLines(ended: MaintainedInWords, paint: Paint): string[] {
  const { table, state, result, failure } = ended;
  const words = result?.dryRun === true ? DRY_RUN_WORDS[state] : STATE_WORDS[state];
  const lines = [`${paint.bold(table)}: ${colourOf(state, paint)(words)}`];
  if (failure) lines.push(`  ${paint.bad(failure.message)} ${paint.dim(`(${failure.code})`)}`);
  const steps = result?.steps ?? [];
  const counted = steps.filter(({ before }) => before !== undefined);
  if (counted.length > 0) {
    const [title = '', ...rows] = tableLines(COLUMNS, counted.map(cellsOf));
    lines.push(paint.dim(title), ...rows);
  }
  for (const { step, notes, failure: cause } of steps) {
    for (const note of notes) lines.push(`  ${nameOf(step)}: ${note}`);
    if (cause) lines.push(`  ${nameOf(step)}: ${paint.bad(cause.message)} ${paint.dim(`(${cause.code})`)}`);
  }
  if (result?.recordFailure) lines.push(`  ${paint.warn(`The record is missing: ${result.recordFailure.message}`)}`);
  return lines;
}

const STATE_WORDS: Readonly<Record<MaintenanceState, string>> = {
  success: 'maintained',
  unchanged: 'nothing to do',
  partial: 'maintained in part',
  failed: 'failed',
  cancelled: 'cancelled; what was done before stays',
};

const DRY_RUN_WORDS: Readonly<Record<MaintenanceState, string>> = {
  ...STATE_WORDS,
  success: 'would be maintained; nothing was changed',
  partial: 'would be maintained in part; nothing was changed',
};

function colourOf(state: MaintenanceState, paint: Paint): (text: string) => string {
  if (state === 'failed') return paint.bad;
  return state === 'partial' || state === 'cancelled' ? paint.warn : paint.good;
}

function cellsOf({ step, state, before, after }: StepResult): string[] {
  const figures = (value: (of: Figures) => string): [string, string] => {
    const [from, to] = [before, after].map((of) => (of === undefined ? '' : value(of)));
    return [from ?? '', from === to || state === 'nothing' ? '' : `-> ${to}`];
  };
  return [
    `  ${nameOf(step)}`,
    ...figures(({ files }) => formatCount(files)),
    ...figures(({ bytes }) => formatBytes(bytes)),
    STEP_MEASURES[step],
  ];
}

function nameOf(step: StepResult['step']): string {
  return step.replaceAll('_', '-');
}
