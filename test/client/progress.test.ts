import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import type { ObjectView } from '../../client/progress.ts';
import { RateMeter } from '../../client/progress.ts';
import { ProgressDisplay } from '../../client/progress-display.ts';
import type { MeasuredObject } from '../../client/progress-lines.ts';
import { liveLines, plainLine } from '../../client/progress-lines.ts';
import { width } from '../../client/table.ts';
import { painter } from '../../client/terminal.ts';
import type { ObjectResult } from '../../contracts/run.ts';
import { NO_ROWS } from '../../contracts/run.ts';
import { captureOutput } from './captured-terminal.ts';

const PLAIN = painter(false);

function view(changes: Partial<ObjectView> = {}): ObjectView {
  return { object: 'orders', stage: 'extracting', chunks: 4, chunksDone: 1, rows: 1_000_000, ...changes };
}

function ended(changes: Partial<ObjectResult> = {}): ObjectResult {
  return {
    object: 'orders',
    table: 'shop.orders',
    state: 'success',
    counts: { ...NO_ROWS, read: 20_000, committed: 20_000 },
    files: 1,
    bytes: 1,
    chunks: 1,
    schemaChanges: [],
    unchangedUnits: 0,
    startedAt: '2026-01-01T00:00:00.000Z',
    endedAt: '2026-01-01T00:00:02.500Z',
    ...changes,
  };
}

function measured(changes: Partial<MeasuredObject> = {}): MeasuredObject {
  return { ...view(), label: 'orders', rowsPerSecond: 250_000, elapsedMs: 4_000, ...changes };
}

test('an object shows its stage, how far it is, its rows and their rate', () => {
  expect(plainLine(measured())).toBe('orders: extracting, 1/4 chunks, 1,000,000 rows, 250,000 rows/s, 4.0 s');
});

test('a bar is drawn where there is a part of something to show', () => {
  expect(liveLines([measured()], 0, 120, PLAIN)[0]).toContain('████░░░░░░░░░░░░');
  expect(liveLines([measured({ chunks: 1, chunksDone: 0 })], 0, 120, PLAIN)[0]).not.toContain('░');
});

test('no live line is wider than the terminal', () => {
  const long = measured({ label: '注文'.repeat(30), retry: { attempt: 2, message: 'x'.repeat(300) } });
  for (const line of liveLines([long, measured()], 3, 60, PLAIN)) expect(width(line)).toBeLessThanOrEqual(60);
});

test('a retry says what failed, when it runs again, and how often it was tried', () => {
  const retry = { attempt: 3, nextAt: Date.now() + 20_500, message: 'the disk is full' };
  expect(plainLine(measured({ retry }))).toMatch(/retrying in 2\d s \(attempt 3\): the disk is full/);
});

test('the rate is that of the last seconds', () => {
  const meter = new RateMeter();
  expect(meter.rate()).toBeUndefined();
  meter.observe(0, 0);
  for (let second = 1; second <= 10; second++) meter.observe(second * 100, second * 1000);
  for (let second = 11; second <= 20; second++) meter.observe(1000 + (second - 10) * 1000, second * 1000);
  expect(meter.rate()).toBeCloseTo(1000);
});

test('a chunk that is read again from its start does not give a negative rate', () => {
  const meter = new RateMeter();
  meter.observe(0, 0);
  meter.observe(5000, 1000);
  meter.observe(100, 2000);
  meter.observe(200, 3000);
  expect(meter.rate()).toBeCloseTo(100);
});

test('on a terminal the lines are redrawn in place and can be taken back', () => {
  const output = captureOutput({ isTerminal: true });
  const display = new ProgressDisplay(output);
  const runs = [{ asset: 'shop', objects: [view(), view({ object: 'customers', stage: 'waiting' })] }];
  display.update(runs);
  display.update(runs);
  expect(output.text()).toContain('\u001b[2A');
  expect(output.text().match(/orders/g)).toHaveLength(2);
  display.clear();
  expect(output.text().endsWith('\u001b[2A\r\u001b[J')).toBe(true);
});

test('more objects than the screen has lines: those at work are shown, the others counted', () => {
  const output = captureOutput({ isTerminal: true, rows: 6 });
  const objects = Array.from({ length: 20 }, (_, i) =>
    view({ object: `o${i}`, stage: i === 19 ? 'extracting' : 'waiting' }),
  );
  new ProgressDisplay(output).update([{ asset: 'shop', objects }]);
  expect(output.text()).toContain('o19');
  expect(output.text()).toContain('and 17 more');
  expect(output.text().split('\n').length - 1).toBeLessThan(6);
});

test('elsewhere a line is written when something changed, and not too often', () => {
  let now = 0;
  const output = captureOutput();
  const display = new ProgressDisplay(output, () => now);
  const show = (changes: Partial<ObjectView>) => display.update([{ asset: 'orders', objects: [view(changes)] }]);
  show({ stage: 'waiting', rows: 0 });
  show({ stage: 'planning', rows: 0, chunks: 0 });
  show({ stage: 'planning', rows: 0, chunks: 0 });
  for (let i = 1; i <= 20; i++) {
    now = i * 1000;
    show({ rows: i * 1000 });
  }
  show({ stage: 'done', rows: 20_000, result: ended() });
  show({ stage: 'done', rows: 20_000, result: ended() });
  const lines = output.text().trim().split('\n');
  expect(lines.map((line) => /: (\w+)/.exec(line)?.[1])).toEqual([
    'planning',
    ...['extracting', 'extracting', 'extracting', 'extracting'],
    'done',
  ]);
  expect(output.text()).toBe(stripVTControlCharacters(output.text()));
});

test.each([
  [{}, 'orders: done, 20,000 rows, 8,000 rows/s, 2.5 s'],
  [{ state: 'unchanged', counts: NO_ROWS }, 'orders: done, nothing new, 2.5 s'],
  [{ state: 'failed', failure: { code: 'SOURCE_EMPTY', message: '' } }, 'orders: failed after 2.5 s (SOURCE_EMPTY)'],
  [{ state: 'cancelled' }, 'orders: cancelled after 2.5 s'],
] as const)('elsewhere the last line of an object says what it came to: %j', (changes, line) => {
  const output = captureOutput();
  const display = new ProgressDisplay(output);
  // Seen at work once, with figures that were old when it ended.
  display.update([{ asset: 'orders', objects: [view({ rows: 123 })] }]);
  display.update([{ asset: 'orders', objects: [view({ stage: 'done', rows: 123 })] }]);
  display.conclude('orders', [ended(changes)]);
  expect(output.text().trim().split('\n').slice(1)).toEqual([line]);
});

test('an object that ended before it was seen at work has its last line too, and only once', () => {
  const output = captureOutput();
  const display = new ProgressDisplay(output);
  display.conclude('orders', [ended()]);
  display.conclude('orders', [ended()]);
  display.update([{ asset: 'orders', objects: [view({ stage: 'committing' })] }]);
  expect(output.text().trim().split('\n')).toHaveLength(1);
});

test('on a terminal an object that failed is not shown as done', () => {
  const [line] = liveLines([measured({ stage: 'done', result: ended({ state: 'failed' }) })], 0, 120, PLAIN);
  expect(line).toMatch(/^✗ orders {2}failed/);
});

test('objects of several jobs are told apart', () => {
  const output = captureOutput();
  const objects = [view({ object: 'lines' })];
  new ProgressDisplay(output).update([
    { asset: 'shop', objects },
    { asset: 'store', objects },
  ]);
  expect(output.text()).toMatch(/^shop\/lines:[\s\S]*^store\/lines:/m);
});
