import { formatCount } from '../../contracts/figures.ts';
import type { SnapshotEntry } from '../../contracts/lake-view.ts';
import type { CommandDefinition } from '../command.ts';
import { isSet, printJson } from '../command.ts';
import { EXIT } from '../exit-code.ts';
import { chooseLake } from '../lake.ts';
import { tableLines } from '../table.ts';
import type { Paint } from '../terminal.ts';
import { painter } from '../terminal.ts';

export const snapshotsCommand: CommandDefinition = {
  name: 'snapshots',
  summary: "list a table's snapshots, the newest first",
  examples: ['dativo snapshots orders', 'dativo snapshots shop.orders --warehouse ./warehouse --json'],
  declare: (command) =>
    command
      .argument('<table>', 'table, or namespace.table')
      .option(
        '--warehouse <folder>',
        'the lake; default: DATIVO_WAREHOUSE, ./warehouse, or the one that jobs were run on',
      )
      .option('--job <file>', 'the lake of this job'),
  async run(context, [table], options) {
    const json = isSet(options, 'json');
    const lake = await chooseLake(context, options, json);
    if (!lake) return EXIT.usage;
    const { listSnapshots } = await import('../../worker/lake.ts');
    const snapshots = await listSnapshots(lake, String(table));
    if (json) printJson(context, { table: String(table), snapshots });
    else {
      const { out } = context.terminal;
      out.write(`${snapshotLines(snapshots, painter(out.isColoured)).join('\n')}\n`);
    }
    return EXIT.success;
  },
};

const COLUMNS = [
  { title: 'snapshot' },
  { title: 'committed' },
  { title: 'operation' },
  { title: 'added', align: 'right' },
  { title: 'deleted', align: 'right' },
  { title: 'rows', align: 'right' },
  { title: 'files', align: 'right' },
  { title: 'run' },
] as const;

export function snapshotLines(snapshots: readonly SnapshotEntry[], paint: Paint): string[] {
  const rows = snapshots.map((snapshot) => [
    snapshot.current ? paint.bold(snapshot.snapshotId) : snapshot.snapshotId,
    snapshot.committedAt,
    snapshot.operation,
    formatCount(snapshot.addedRows),
    formatCount(snapshot.deletedRows),
    formatCount(snapshot.totalRows),
    formatCount(snapshot.totalFiles),
    snapshot.runId ?? paint.dim('another writer'),
  ]);
  const [title = '', ...lines] = tableLines(COLUMNS, rows);
  return [paint.dim(title), ...lines];
}
