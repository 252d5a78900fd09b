import { describe, expect, test } from 'vitest';
import { reconcile } from '../../activities/reconcile.ts';
import type { Column, ColumnType, StreamSchema } from '../../contracts/schema.ts';

const column = (name: string, type: ColumnType, required = false): Column => ({ name, type, required });
const schema = (...columns: Column[]): StreamSchema => ({ columns, primaryKey: [] });

describe('the columns that a table shall have', () => {
  test('are those of the source when nothing else is known', () => {
    const output = [column('id', 'long')];
    expect(reconcile({ mode: 'strict', output, contract: undefined, table: undefined })).toEqual({
      wanted: { columns: output, primaryKey: [] },
      refusals: [],
    });
  });

  test('in strict mode a lost and an unknown column are both named', () => {
    const { refusals } = reconcile({
      mode: 'strict',
      output: [column('id', 'long'), column('extra', 'string')],
      contract: undefined,
      table: schema(column('id', 'long'), column('amount', 'double')),
    });
    expect(refusals).toEqual(['column amount (double) is missing', 'column extra (string) is unknown']);
  });

  test.each<[ColumnType, ColumnType, ColumnType]>([
    ['int', 'long', 'long'],
    ['float', 'double', 'double'],
    ['decimal(10, 2)', 'decimal(12, 2)', 'decimal(12, 2)'],
    ['decimal(10, 2)', 'decimal(12, 3)', 'decimal(10, 2)'],
    ['long', 'double', 'long'],
    ['long', 'string', 'long'],
  ])('in warn mode a table of %s that meets %s becomes %s', (stored, found, wanted) => {
    const reconciled = reconcile({
      mode: 'warn',
      output: [column('x', found)],
      contract: undefined,
      table: schema(column('x', stored)),
    });
    expect(reconciled).toEqual({ wanted: schema(column('x', wanted)), refusals: [] });
  });

  test('in warn mode a lost column stays and becomes optional, a new one comes last', () => {
    const { wanted } = reconcile({
      mode: 'warn',
      output: [column('b', 'string'), column('a', 'long', true)],
      contract: undefined,
      table: schema(column('a', 'long', true), column('gone', 'date', true)),
    });
    expect(wanted.columns).toEqual([column('a', 'long', true), column('gone', 'date'), column('b', 'string')]);
  });

  test('a source that shares no column is refused in any mode, without repeating its names', () => {
    const { refusals } = reconcile({
      mode: 'warn',
      output: [column('Carol', 'string')],
      contract: undefined,
      table: schema(column('name', 'string')),
    });
    expect(refusals).toEqual([expect.stringContaining('none of its 1 columns is known')]);
    expect(refusals[0]).not.toContain('Carol');
  });

  test('a contract wins over the table, which keeps what the contract no longer names', () => {
    const { wanted } = reconcile({
      mode: 'strict',
      output: [column('id', 'string')],
      contract: schema(column('id', 'long', true)),
      table: schema(column('id', 'long'), column('old', 'string')),
    });
    expect(wanted.columns).toEqual([column('id', 'long', true), column('old', 'string')]);
  });
});
