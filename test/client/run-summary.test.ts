import { expect, test } from 'vitest';
import { EXIT, exitCodeOfRuns } from '../../client/exit-code.ts';
import type { FinishedRun } from '../../client/run-summary.ts';
import { nextCommand, summaryLines } from '../../client/run-summary.ts';
import { painter } from '../../client/terminal.ts';
import { workflowLink } from '../../client/workflow-link.ts';
import type { ObjectResult } from '../../contracts/run.ts';
import { NO_ROWS } from '../../contracts/run.ts';

const PLAIN = painter(false);

function object(changes: Partial<ObjectResult> = {}): ObjectResult {
  return {
    object: 'orders',
    table: 'shop.orders',
    state: 'success',
    counts: { read: 1010, committed: 1000, quarantined: 3, deadLettered: 0, skipped: { late: 7 } },
    files: 1,
    bytes: 25_300,
    chunks: 1,
    snapshotId: '6071398473512340022',
    schemaChanges: [],
    unchangedUnits: 0,
    startedAt: '2026-01-01T00:00:00.000Z',
    endedAt: '2026-01-01T00:00:02.500Z',
    ...changes,
  };
}

function run(changes: Partial<FinishedRun> = {}): FinishedRun {
  return {
    asset: 'orders',
    tenant: 'default',
    workflowId: 'ingest/default/orders',
    runId: 'r1',
    state: 'success',
    objects: [object()],
    elapsedMs: 2600,
    url: 'http://127.0.0.1:8233/namespaces/default/workflows/ingest%2Fdefault%2Forders/r1',
    ...changes,
  };
}

function summary(changes: Partial<FinishedRun> = {}): string {
  return summaryLines(run(changes), PLAIN).join('\n');
}

test('a summary accounts for every row, and names files, bytes, snapshot and time', () => {
  const line = summary()
    .split('\n')
    .find((text) => text.startsWith('orders  '));
  expect(line?.split(/ {2,}/)).toEqual([
    'orders',
    'success',
    '1,010',
    '1,000',
    '3',
    '7',
    '1',
    '25.3 kB',
    '2.5 s',
    '6071398473512340022',
  ]);
});

test('rows that a rule left out are counted by rule', () => {
  expect(summary()).toContain('skipped by rule: late 7');
});

test('a run without news says so in words', () => {
  const unchanged = object({ state: 'unchanged', counts: NO_ROWS, files: 0, bytes: 0, unchangedUnits: 5 });
  expect(summary({ state: 'unchanged', objects: [unchanged] })).toMatch(/nothing new[\s\S]*5 files unchanged/);
});

test('a failed object is explained with its sentence and code', () => {
  const failure = { code: 'SOURCE_EMPTY', message: 'orders.csv is empty; expected rows; check the export.' };
  const failed = object({ state: 'failed', counts: NO_ROWS, failure });
  const text = summary({ state: 'partial', objects: [object({ object: 'customers' }), failed] });
  expect(text).toContain('1 of 2 objects failed');
  expect(text).toContain('orders: orders.csv is empty; expected rows; check the export. (SOURCE_EMPTY)');
});

test('a cancelled run says what was committed and how to start it again', () => {
  const cancelled = object({ object: 'customers', state: 'cancelled', counts: NO_ROWS });
  expect(summary({ state: 'cancelled', objects: [cancelled] })).toContain(
    'cancelled after 2.6 s; nothing was committed',
  );
  expect(summary({ state: 'cancelled', objects: [object(), cancelled] })).toContain(
    'cancelled after 2.6 s; 1,000 rows had been committed before, and stay',
  );
  expect(summary({ state: 'cancelled' })).toContain('`dativo run` with its job file begins where the last commit');
  expect(nextCommand([run({ state: 'cancelled', file: 'jobs/orders.yaml' })])).toBe('dativo run jobs/orders.yaml');
});

test('changes of the schema are told', () => {
  expect(summary({ objects: [object({ schemaChanges: ['add column tags (string)'] })] })).toContain(
    'add column tags (string)',
  );
});

test("the link to Temporal's UI survives the slashes of a workflow id", () => {
  const server = { uiUrl: 'http://127.0.0.1:8233', namespace: 'default' };
  const link = workflowLink(server, 'ingest/default/orders', 'r1');
  expect(link).toBe('http://127.0.0.1:8233/namespaces/default/workflows/ingest%2Fdefault%2Forders/r1');
  expect(workflowLink({ ...server, uiUrl: undefined }, 'w', 'r')).toBeUndefined();
});

test('the next command looks at what is most worth a look', () => {
  const clean = { ...NO_ROWS, read: 5, committed: 5 };
  expect(nextCommand([run({ objects: [object({ counts: clean })] })])).toBe(
    'dativo query "select * from shop.orders limit 10"',
  );
  expect(nextCommand([run()])).toContain('shop.orders__quarantine');
  expect(nextCommand([run({ state: 'failed', objects: [object({ state: 'failed', counts: NO_ROWS })] })])).toBe(
    'dativo status ingest/default/orders',
  );
});

test('colours are written only where they are wanted', () => {
  expect(summary()).not.toContain('\u001b[');
  expect(summaryLines(run(), painter(true)).join('\n')).toContain('\u001b[32m');
});

test.each([
  { states: ['success', 'unchanged'], code: EXIT.success },
  { states: ['failed', 'failed'], code: EXIT.failed },
  { states: ['cancelled'], code: EXIT.failed },
  { states: ['success', 'failed'], code: EXIT.partial },
  { states: ['partial'], code: EXIT.partial },
] as const)('the exit code of $states is $code', ({ states, code }) => {
  expect(exitCodeOfRuns(states)).toBe(code);
});
