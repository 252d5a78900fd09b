import { expect, test } from 'vitest';
import { snapshotLines } from '../../client/commands/snapshots.ts';
import { resultLines, toCsv } from '../../client/query-output.ts';
import { asDativoError, reportError } from '../../client/report-error.ts';
import { runListLines, runsOfRecords } from '../../client/run-list.ts';
import { cut, tableLines, width } from '../../client/table.ts';
import { painter, wantsColour } from '../../client/terminal.ts';
import { fail } from '../../contracts/errors.ts';
import { formatBytes, formatCount, formatDuration } from '../../contracts/figures.ts';
import type { QueryResult, RunRecordEntry } from '../../contracts/lake-view.ts';
import { captureTerminal } from './captured-terminal.ts';

const PLAIN = painter(false);

const RESULT: QueryResult = {
  columns: [
    { name: 'id', type: 'BIGINT' },
    { name: 'name', type: 'VARCHAR' },
  ],
  rows: [
    [1, 'Ann'],
    [20, null],
    [300, 'a "b",\nc'],
  ],
  truncated: false,
};

test('NO_COLOR goes before FORCE_COLOR, and that before the terminal', () => {
  expect(wantsColour(true, {})).toBe(true);
  expect(wantsColour(false, {})).toBe(false);
  expect(wantsColour(true, { NO_COLOR: '1' })).toBe(false);
  expect(wantsColour(false, { FORCE_COLOR: '1' })).toBe(true);
  expect(wantsColour(true, { FORCE_COLOR: '1', NO_COLOR: '1' })).toBe(false);
  expect(wantsColour(true, { TERM: 'dumb' })).toBe(false);
});

test('columns are aligned, numbers on the right, colours not counted', () => {
  const lines = tableLines(
    [{ title: 'n', align: 'right' }, { title: 'word' }],
    [
      ['1', painter(true).bad('a')],
      ['20', 'bc'],
    ],
  );
  expect(lines.map((line) => line.replaceAll(/\u001b\[\d+m/g, ''))).toEqual([' n  word', ' 1  a', '20  bc']);
});

test('a wide sign takes two columns', () => {
  expect(width('日本')).toBe(4);
  expect(cut('日本語', 5)).toBe('日本…');
});

test('a result is a table with numbers on the right and its row count', () => {
  expect(resultLines(RESULT, PLAIN)).toEqual([' id  name', '  1  Ann', ' 20  NULL', '300  a "b",\\nc', '(3 rows)']);
});

test('a query plan keeps its lines', () => {
  const columns = ['explain_key', 'explain_value'].map((name) => ({ name, type: 'VARCHAR' }));
  const plan = { columns, rows: [['physical_plan', '┌───┐\n└───┘']], truncated: false };
  expect(resultLines(plan, PLAIN)).toEqual(['┌───┐', '└───┘']);
});

test('CSV quotes what needs it, and tells a missing value from an empty text', () => {
  expect(toCsv(RESULT)).toBe('id,name\n1,Ann\n20,\n300,"a ""b"",\nc"\n');
  expect(toCsv({ ...RESULT, rows: [[1, '']] })).toBe('id,name\n1,""\n');
});

test.each([
  [400, '0.4 s'],
  [59_600, '1 min'],
  [185_000, '3 min 5 s'],
  [7_800_000, '2 h 10 min'],
])('%i ms are %s', (milliseconds, words) => {
  expect(formatDuration(milliseconds)).toBe(words);
});

test('counts and bytes are short', () => {
  expect([0, 999, 1000, 336_776, 1_234_567_890].map(formatCount)).toEqual([
    '0',
    '999',
    '1,000',
    '336,776',
    '1,234,567,890',
  ]);
  expect([0, 999, 1_500, 99_960, 1_600_000_000].map(formatBytes)).toEqual([
    '0 B',
    '999 B',
    '1.5 kB',
    '100 kB',
    '1.6 GB',
  ]);
});

test('an error is one sentence with its code, and no stack', () => {
  const terminal = captureTerminal();
  const error = fail('TABLE_NOT_FOUND', {
    received: 'shop.order',
    expected: 'a table of the lake',
    next: 'did you mean shop.orders',
  });
  reportError(error, terminal, { json: false, env: {} });
  expect(terminal.err.text()).toBe(
    'dativo: shop.order; expected a table of the lake; did you mean shop.orders. (TABLE_NOT_FOUND)\n',
  );
});

test('the text of a foreign error is not passed on', () => {
  const error = asDativoError(new TypeError('secret row'));
  expect(error.code).toBe('UNEXPECTED');
  expect(error.message).not.toContain('secret');
});

test('a server that does not answer is told as that', () => {
  const refused = Object.assign(new Error('14 UNAVAILABLE: connect'), { code: 14 });
  expect(asDativoError(new Error('failed to connect', { cause: refused })).code).toBe('SERVER_UNREACHABLE');
});

function record(changes: Partial<RunRecordEntry>): RunRecordEntry {
  return {
    runId: 'r1',
    tenant: 'default',
    asset: 'shop',
    object: 'orders',
    table: 'default.orders',
    state: 'success',
    mode: 'incremental',
    startedAt: '2026-01-01T00:00:00.000Z',
    endedAt: '2026-01-01T00:00:05.000Z',
    rowsRead: 10,
    rowsCommitted: 9,
    rowsQuarantined: 1,
    rowsSkipped: 0,
    files: 1,
    bytes: 100,
    ...changes,
  };
}

test('the records of the objects of a run are one run, the newest run first', () => {
  const runs = runsOfRecords([
    record({}),
    record({
      object: 'customers',
      state: 'failed',
      rowsCommitted: 0,
      rowsQuarantined: 0,
      endedAt: '2026-01-01T00:00:09.000Z',
    }),
    record({ runId: 'r2', startedAt: '2026-01-02T00:00:00.000Z', state: 'unchanged' }),
  ]);
  expect(runs.map(({ runId, state }) => ({ runId, state }))).toEqual([
    { runId: 'r2', state: 'unchanged' },
    { runId: 'r1', state: 'partial' },
  ]);
  expect(runs[1]).toMatchObject({ rowsCommitted: 9, rowsQuarantined: 1, endedAt: '2026-01-01T00:00:09.000Z' });
});

test('a list of runs leaves out columns that its source does not know', () => {
  const run = {
    asset: 'shop',
    tenant: 'default',
    state: 'running',
    startedAt: '2026-01-01T00:00:00.000Z',
    runId: 'r1',
  };
  expect(runListLines([run], Date.parse('2026-01-01T00:01:00.000Z'), PLAIN)[0]).not.toContain('committed');
});

test('a snapshot of another writer is told as that', () => {
  const snapshot = { snapshotId: '1', committedAt: '2026-01-01T00:00:00.000Z', operation: 'append', current: true };
  const counts = { addedRows: 1, deletedRows: 0, totalRows: 1, addedFiles: 1, totalFiles: 1 };
  expect(snapshotLines([{ ...snapshot, ...counts }], [], PLAIN)[1]).toContain('another writer');
});
