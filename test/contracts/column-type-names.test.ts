import { expect, test } from 'vitest';
import { parseColumnType } from '../../contracts/column-type-names.ts';
import { PRIMITIVE_TYPES, typeName } from '../../contracts/schema.ts';

test.each(PRIMITIVE_TYPES)("Iceberg's own name %s is a type", (name) => {
  expect(parseColumnType(name)).toBe(name);
});

test.each([
  ['INTEGER', 'int'],
  ['bigint', 'long'],
  ['Double  Precision', 'double'],
  ['varchar(20)', 'string'],
  ['character varying (20)', 'string'],
  ['decimal(10,2)', 'decimal(10, 2)'],
  ['NUMERIC(38)', 'decimal(38, 0)'],
  ['fixed(16)', 'fixed[16]'],
  ['timestamp(6) without time zone', 'timestamp'],
  ['timestamp(3) with time zone', 'timestamptz'],
  ['text[]', 'list<string>'],
  ['Array<decimal(4,2)>', 'list<decimal(4, 2)>'],
  ['map<string, list<int>>', 'map<string, list<int>>'],
  ['struct<a: int, B: map<text, date>>', 'struct<a: int, B: map<string, date>>'],
])('%s is the type %s', (text, name) => {
  const type = parseColumnType(text);
  expect(type && typeName(type)).toBe(name);
});

test.each([
  '',
  'decimal',
  'decimal(39, 2)',
  'decimal(4, 5)',
  'decimal(0)',
  'fixed[0]',
  'list<>',
  'map<string>',
  'struct<a>',
  'toString',
  'int,int',
])('%j is no type', (text) => {
  expect(parseColumnType(text)).toBeUndefined();
});
