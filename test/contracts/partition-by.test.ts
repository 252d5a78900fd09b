import { describe, expect, test } from 'vitest';
import { parsePartitionField, repeatedField, showPartitionField, typesWanted } from '../../contracts/partition-by.ts';
import { parseSortField, showSortField } from '../../contracts/sort-by.ts';

describe('a field of partition_by', () => {
  test.each([
    ['country', 'identity', 'country'],
    ['  country ', 'identity', 'country'],
    ['identity(country)', 'identity', 'country'],
    ['day(created_at)', 'day', 'created_at'],
    ['Days( created_at )', 'day', 'created_at'],
    ['hours(ts)', 'hour', 'ts'],
    ['bucket(16, id)', 'bucket[16]', 'id'],
    ['bucket(id, 16)', 'bucket[16]', 'id'],
    ['truncate(10,name)', 'truncate[10]', 'name'],
    ['void(x)', 'void', 'x'],
    ['"day(x)"', 'identity', 'day(x)'],
    ['day("created at")', 'day', 'created at'],
    ['bucket(4, `a, b`)', 'bucket[4]', 'a, b'],
    ['"say ""hi"""', 'identity', 'say "hi"'],
  ])('%s is %s of %s', (text, transform, column) => {
    expect(parsePartitionField(text)).toEqual({ transform, column });
  });

  test.each([
    ['dya(created_at)', 'identity, year, month, day, hour, bucket, truncate, void', 'day(created_at)'],
    ['day()', 'day(created_at)', undefined],
    ['bucket(id)', 'bucket(16, id)', undefined],
    ['bucket(0, id)', 'bucket(16, id)', undefined],
    ['truncate(99999999999, name)', 'truncate(10, id)', undefined],
  ])('%s is refused with what was expected', (text, expected, meant) => {
    const refused = parsePartitionField(text);
    if (!('expected' in refused)) throw new Error('it was read');
    expect(refused.expected).toContain(expected);
    expect(refused.allowed).toEqual(meant === undefined ? [] : expect.arrayContaining([meant]));
  });

  test('is shown as it is written', () => {
    for (const text of ['country', 'day(created_at)', 'bucket(16, id)']) {
      const field = parsePartitionField(text);
      if (!('column' in field)) throw new Error('it was not read');
      expect(showPartitionField(field)).toBe(text);
    }
  });

  test('may not say the same twice, nor divide one time in two ways', () => {
    const fields = (...texts: string[]) => texts.map(parsePartitionField).filter((field) => 'column' in field);
    expect(repeatedField(fields('day(a)', 'day(b)', 'bucket(4, a)', 'a'))).toBeUndefined();
    expect(repeatedField(fields('a', 'b', 'a'))).toMatchObject({ index: 2 });
    expect(repeatedField(fields('year(a)', 'day(a)'))?.reason).toContain('year(a)');
    expect(repeatedField(fields('bucket(4, a)', 'bucket(8, a)'))).toBeUndefined();
  });
});

describe('a column type', () => {
  test.each([
    ['identity', 'double', true],
    ['identity', { type: 'list', element: 'int', elementRequired: true }, false],
    ['day', 'date', true],
    ['hour', 'date', false],
    ['month', 'string', false],
    ['bucket[4]', 'uuid', true],
    ['bucket[4]', 'fixed[3]', true],
    ['bucket[4]', 'double', false],
    ['truncate[4]', 'decimal(10, 2)', true],
    ['truncate[4]', 'date', false],
    ['tomorrow', 'date', false],
  ] as const)('under %s: %j', (transform, type, allowed) => {
    expect(typesWanted(transform, type) === undefined).toBe(allowed);
  });
});

describe('a column of sort_by', () => {
  test.each([
    ['amount', 'amount asc nulls first'],
    ['amount DESC', 'amount desc nulls last'],
    ['amount desc nulls first', 'amount desc nulls first'],
    ['amount nulls last', 'amount asc nulls last'],
    ['"order by" desc', 'order by desc nulls last'],
  ])('%s is read as %s', (text, shown) => {
    const field = parseSortField(text);
    expect(field && showSortField(field)).toBe(shown);
  });

  test.each(['', 'amount nulls', 'amount down nulls', 'amount desc asc', 'amount nulls first desc'])(
    '%j is refused',
    (text) => expect(parseSortField(text)).toBeUndefined(),
  );
});
