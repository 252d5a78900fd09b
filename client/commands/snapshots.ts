import { formatCount, formatPlural } from '../../contracts/figures.ts';
import type { ReferenceEntry, SnapshotEntry, TableDifference } from '../../contracts/lake-view.ts';
import { nearest } from '../../contracts/nearest.ts';
import type { CommandContext, CommandDefinition } from '../command.ts';
import { isSet, printJson, textList, textOption } from '../command.ts';
import { durationOption } from '../duration.ts';
import type { ExitCode } from '../exit-code.ts';
import { EXIT } from '../exit-code.ts';
import type { ChosenLake } from '../lake.ts';
import { chooseLakeAndJob } from '../lake.ts';
import { tableLines } from '../table.ts';
import type { Paint } from '../terminal.ts';
import { painter } from '../terminal.ts';
import { usage } from '../usage.ts';
import { wholeNumber } from '../whole-number.ts';

interface Asked extends ChosenLake {
  readonly context: CommandContext;
  readonly options: Readonly<Record<string, unknown>>;
  readonly table: string;
  readonly words: readonly string[];
  readonly at: string | undefined;
  readonly maxAgeMs: number | undefined;
}

/** What an action did: for programs, and in words. */
interface Answer {
  readonly json: object;
  readonly lines: (paint: Paint) => readonly string[];
}

/** How many words an action takes after its name, and what they are. */
interface Action {
  readonly words: readonly string[];
  readonly run: (asked: Asked) => Promise<Answer | ExitCode>;
}

const ACTIONS: Readonly<Record<string, Action>> = {
  list: { words: [], run: list },
  tag: { words: ['<name>'], run: (asked) => reference(asked, 'tag') },
  branch: { words: ['<name>'], run: (asked) => reference(asked, 'branch') },
  drop: { words: ['<tag or branch>'], run: drop },
  rollback: { words: ['<snapshot>'], run: rollback },
  diff: { words: ['<snapshot>', '<snapshot>'], run: diff },
  expire: { words: [], run: expire },
};

export const snapshotsCommand: CommandDefinition = {
  name: 'snapshots',
  summary: "list, name, compare, go back to and let go of a table's snapshots",
  examples: [
    'dativo snapshots orders',
    'dativo snapshots orders tag end-of-year',
    "dativo snapshots orders branch experiment --at '2026-01-31 12:00'",
    'dativo snapshots orders diff end-of-year main',
    'dativo snapshots orders rollback end-of-year',
    'dativo snapshots orders drop experiment',
    'dativo snapshots orders expire --older-than 30d --dry-run',
    'dativo snapshots shop.orders --warehouse ./warehouse --json',
  ],
  declare: (command) =>
    command
      .argument('<table>', 'table, or namespace.table')
      .argument('[action...]', `${Object.keys(ACTIONS).join(', ')}; a snapshot is an id, a tag, a branch or a time`)
      .option('--at <snapshot>', 'for tag and branch: the snapshot to name; default: the current one')
      .option('--max-age <duration>', 'for tag and branch: drop it when it is so old, such as 90d; default: never')
      .option('--older-than <duration>', 'for expire: snapshots so old; default: as the table says, else 7d')
      .option(
        '--keep-last <count>',
        'for expire: so many of the latest stay; default: as the table says, else 10',
        wholeNumber(1),
      )
      .option('--dry-run', 'for expire: say which would go; change nothing')
      .option('-y, --yes', 'for expire: do not ask')
      .option('--with-worker', 'for expire: do the work on this machine even where a Temporal server is configured')
      .option(
        '--warehouse <folder>',
        'the lake; default: DATIVO_WAREHOUSE, ./warehouse, or the one that jobs were run on',
      )
      .option('--job <file>', 'the lake of this job'),
  async run(context, [table, given], options) {
    const json = isSet(options, 'json');
    const [name = 'list', ...words] = textList(given);
    const action = actionOf(name, words);
    const chosen = await chooseLakeAndJob(context, options, json);
    if (!chosen) return EXIT.usage;
    const maxAgeMs = durationOption(options, 'maxAge', '--max-age');
    const at = textOption(options, 'at');
    const done = await action.run({ ...chosen, context, options, table: String(table), words, at, maxAgeMs });
    if (typeof done === 'number') return done;
    answer(context, done, json);
    return EXIT.success;
  },
};

function actionOf(name: string, words: readonly string[]): Action {
  const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
  const known = Object.keys(ACTIONS);
  if (action === undefined) {
    throw usage(`the action ${name}`, nearest(name, known) ?? known.join(', '), 'see `dativo snapshots --help`');
  }
  if (action.words.length === words.length) return action;
  const expected = ['dativo snapshots <table>', name, ...action.words].join(' ');
  throw usage(`${name} with ${formatPlural(words.length, 'word')} after it`, expected, 'see `dativo snapshots --help`');
}

function answer(context: CommandContext, { json, lines }: Answer, asJson: boolean): void {
  const { out } = context.terminal;
  if (asJson) printJson(context, json);
  else out.write(`${lines(painter(out.isColoured)).join('\n')}\n`);
}

async function list({ lake, table }: Asked): Promise<Answer> {
  const { listSnapshots } = await import('../../worker/lake/snapshots.ts');
  const { listReferences } = await import('../../worker/lake/table-history.ts');
  const [snapshots, references] = [await listSnapshots(lake, table), await listReferences(lake, table)];
  return { json: { table, snapshots, references }, lines: (paint) => snapshotLines(snapshots, references, paint) };
}

async function reference({ lake, table, words: [name = ''], at, maxAgeMs }: Asked, kind: 'tag' | 'branch') {
  const { makeReference } = await import('../../worker/lake/table-history.ts');
  const options = { ...(at === undefined ? {} : { at }), ...(maxAgeMs === undefined ? {} : { maxAgeMs }) };
  const made = await makeReference(lake, table, kind, name, options);
  const query = `dativo query "select * from ${table} as of '${made.name}'"`;
  return {
    json: { table, ...made },
    lines: (paint: Paint) => [
      `${kind} ${paint.bold(made.name)} of ${table} is snapshot ${made.snapshotId}; it stays until it is dropped.`,
      `Next: ${query}`,
    ],
  };
}

async function drop({ lake, table, words: [name = ''] }: Asked): Promise<Answer> {
  const { dropReference } = await import('../../worker/lake/table-history.ts');
  await dropReference(lake, table, name);
  return {
    json: { table, dropped: name },
    lines: () => [`${name} of ${table} is dropped; its snapshot may now expire.`],
  };
}

async function rollback({ lake, table, words: [to = ''] }: Asked): Promise<Answer> {
  const { rollBack } = await import('../../worker/lake/table-history.ts');
  const result = await rollBack(lake, table, to);
  const rows = result.totalRows === undefined ? '' : ` with ${formatPlural(result.totalRows, 'row')}`;
  return {
    json: { table, ...result },
    lines: () =>
      result.from === result.to
        ? [`${table} is at snapshot ${result.to}${rows} already; nothing was changed.`]
        : [
            `${table} is at snapshot ${result.to}${rows} again; the next run reads what came after it once more.`,
            `To undo it: dativo snapshots ${table} rollback ${result.from}`,
          ],
  };
}

async function diff({ lake, table, words: [from = '', to = ''] }: Asked): Promise<Answer> {
  const { diffSnapshots } = await import('../../worker/lake/table-history.ts');
  const difference = await diffSnapshots(lake, table, from, to);
  return { json: { table, ...difference }, lines: () => diffLines(difference) };
}

/** A maintenance of which this is the only step. */
async function expire({ context, options, table, lake, job }: Asked): Promise<ExitCode> {
  const { maintainOnRequest } = await import('../maintain-request.ts');
  const { maintenanceSettings } = await import('../maintenance-settings.ts');
  return maintainOnRequest(context, {
    lake,
    ...(job === undefined ? {} : { job }),
    names: [table],
    steps: ['expire'],
    settings: maintenanceSettings(options),
    dryRun: isSet(options, 'dryRun'),
    yes: isSet(options, 'yes'),
    withWorker: isSet(options, 'withWorker'),
    json: isSet(options, 'json'),
  });
}

function diffLines(difference: TableDifference): string[] {
  const { from, to, rowsAdded, rowsRemoved, filesAdded, filesRemoved, columnsAdded, columnsRemoved } = difference;
  return [
    `from ${from} to ${to}`,
    `rows     +${formatCount(rowsAdded)}  -${formatCount(rowsRemoved)}`,
    `files    +${formatCount(filesAdded)}  -${formatCount(filesRemoved)}`,
    ...columnsAdded.map((column) => `column   + ${column}`),
    ...columnsRemoved.map((column) => `column   - ${column}`),
  ];
}

const COLUMNS = [
  { title: 'snapshot' },
  { title: 'committed' },
  { title: 'operation' },
  { title: 'added', align: 'right' },
  { title: 'deleted', align: 'right' },
  { title: 'rows', align: 'right' },
  { title: 'files', align: 'right' },
  { title: 'names' },
  { title: 'run' },
] as const;

export function snapshotLines(
  snapshots: readonly SnapshotEntry[],
  references: readonly ReferenceEntry[],
  paint: Paint,
): string[] {
  const rows = snapshots.map((snapshot) => [
    snapshot.current ? paint.bold(snapshot.snapshotId) : snapshot.snapshotId,
    snapshot.committedAt,
    snapshot.operation,
    formatCount(snapshot.addedRows),
    formatCount(snapshot.deletedRows),
    formatCount(snapshot.totalRows),
    formatCount(snapshot.totalFiles),
    references
      .filter(({ snapshotId }) => snapshotId === snapshot.snapshotId)
      .map(({ name }) => name)
      .join(', '),
    snapshot.runId ?? paint.dim('another writer'),
  ]);
  const [title = '', ...lines] = tableLines(COLUMNS, rows);
  return [paint.dim(title), ...lines];
}
