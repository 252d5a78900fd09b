import { formatBytes, formatCount } from '../contracts/figures.ts';
import type { RunRecordEntry } from '../contracts/lake-view.ts';
import { stateColour } from './run-list.ts';
import { tableLines } from './table.ts';
import type { Paint } from './terminal.ts';

const COLUMNS = [
  { title: 'object' },
  { title: 'table' },
  { title: 'state' },
  { title: 'read', align: 'right' },
  { title: 'committed', align: 'right' },
  { title: 'quarantined', align: 'right' },
  { title: 'skipped', align: 'right' },
  { title: 'files', align: 'right' },
  { title: 'bytes', align: 'right' },
  { title: 'snapshot' },
] as const;

/** One run, as the lake remembers it. */
export function recordLines(records: readonly RunRecordEntry[], paint: Paint): string[] {
  const [first] = records;
  if (!first) return [];
  const rows = records.map((record) => [
    record.object,
    record.table,
    stateColour(record.state, paint)(record.state),
    formatCount(record.rowsRead),
    formatCount(record.rowsCommitted),
    formatCount(record.rowsQuarantined),
    formatCount(record.rowsSkipped),
    formatCount(record.files),
    formatBytes(record.bytes),
    record.snapshotId ?? '',
  ]);
  const [title = '', ...lines] = tableLines(COLUMNS, rows);
  const failures = records.flatMap(({ object, failureMessage, failureCode }) =>
    failureMessage ? [`${paint.bad(object)}: ${failureMessage} ${paint.dim(`(${failureCode ?? ''})`)}`] : [],
  );
  return [
    `${paint.bold(first.asset)} of tenant ${first.tenant}, ${first.mode.replace('_', ' ')}, started ${first.startedAt}, run ${first.runId}`,
    '',
    paint.dim(title),
    ...lines,
    ...(failures.length > 0 ? ['', ...failures] : []),
    '',
    paint.dim('From the run records of the lake.'),
  ];
}
