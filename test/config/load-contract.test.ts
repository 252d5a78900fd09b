import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { loadContract } from '../../config/load-contract.ts';
import { typeName } from '../../contracts/schema.ts';
import { jobFile } from '../support/job-folder.ts';

const EXAMPLES = path.join(import.meta.dirname, '../fixtures/odcs');
const names = await readdir(EXAMPLES);

async function describeExample(name: string, object: string) {
  const { contract, problems } = await loadContract(path.join(EXAMPLES, name));
  expect(problems).toEqual([]);
  const described = contract?.describe({ object, asset: object, only: true });
  return {
    columns: described?.schema?.columns.map((c) => `${c.name} ${typeName(c.type)}${c.required ? ' required' : ''}`),
    primaryKey: described?.schema?.primaryKey,
    problems: described?.problems.map((p) => `${p.line}:${p.column} ${p.received}`),
  };
}

async function describe(properties: string) {
  const head =
    'apiVersion: v3.0.2\nkind: DataContract\nid: a\nversion: 1.0.0\nstatus: active\nschema:\n- name: t\n  properties:\n';
  const { contract, problems } = await loadContract(await jobFile(head + properties, 'contract.yaml'));
  const described = contract?.describe({ object: 't', asset: 't', only: true });
  const all = [...problems, ...(described?.problems ?? [])];
  return {
    columns: described?.schema?.columns.map((c) => `${c.name} ${typeName(c.type)}${c.required ? ' required' : ''}`),
    problems: all.map((p) => `${p.line}:${p.column} ${p.code} ${p.received}`),
  };
}

test.each(names)("the standard's example %s is read", async (name) => {
  const { contract, problems } = await loadContract(path.join(EXAMPLES, name));
  expect(problems).toEqual([]);
  expect(contract?.document.apiVersion).toBe('v3.0.2');
});

test('every kind of type in the standard becomes a column type', async () => {
  expect(await describeExample('all-data-types.odcs.yaml', 'transactions_tbl')).toMatchObject({
    columns: [
      'account_id string',
      'txn_ref_date date',
      'txn_timestamp timestamp',
      'amount double',
      'age int',
      'is_open boolean',
      'latest_txns list<string>',
      'customer_details string',
    ],
  });
});

test('columns have their physical names, and the element of a contract is found by name', async () => {
  expect(await describeExample('full-example.odcs.yaml', 'tbl')).toEqual({
    columns: ['txn_ref_dt date', 'rcvr_id string', 'rcvr_cntry_code string'],
    primaryKey: ['rcvr_id'],
    problems: [],
  });
  expect(await describeExample('all-schema-types.odcs.yaml', 'AnotherObject')).toMatchObject({
    columns: ['x list<struct<id: string, zip: string>>'],
  });
  expect(await describeExample('all-schema-types.odcs.yaml', 'NoObject')).toMatchObject({
    problems: ['7:1 the contract describes no "NoObject"'],
  });
});

test('the order of the primary key is the one of its positions', async () => {
  expect(await describeExample('table-columns-with-partition.odcs.yaml', 'tbl')).toMatchObject({
    primaryKey: ['rcvr_cntry_code', 'rcvr_id'],
  });
});

test('a contract with one element describes the only object of a job, whatever its name', async () => {
  expect((await describeExample('column-accuracy.odcs.yaml', 'air')).columns).toEqual(['DataValue float']);
});

test('a contract without columns is refused for an object', async () => {
  expect(await describeExample('kafka-server.odcs.yaml', 'Orders')).toMatchObject({
    problems: ['7:5 the contract gives "Orders" no columns'],
  });
  expect(await describeExample('azure-server.odcs.yaml', 'Orders')).toMatchObject({
    problems: ['1:1 the contract describes no "Orders"'],
  });
});

test.each([
  ['{ name: a, logicalType: integer }', 'a long'],
  ['{ name: a, logicalType: integer, logicalTypeOptions: { format: i32 } }', 'a int'],
  ['{ name: a, logicalType: integer, physicalType: "numeric(20,0)" }', 'a decimal(20, 0)'],
  ['{ name: a, logicalType: number, physicalType: number }', 'a double'],
  ['{ name: a, logicalType: date, logicalTypeOptions: { format: yyyy-MM-dd } }', 'a date'],
  ['{ name: a, logicalType: date, logicalTypeOptions: { format: "yyyy-MM-dd\'T\'HH:mm:ss" } }', 'a timestamp'],
  ['{ name: a, logicalType: date, logicalTypeOptions: { format: "yyyy-MM-dd\'T\'HH:mm:ssXXX" } }', 'a timestamptz'],
  ['{ name: a, logicalType: date, logicalTypeOptions: { format: "HH:mm" } }', 'a time'],
  ['{ name: a, logicalType: date, physicalType: "timestamp(6) with time zone" }', 'a timestamptz'],
  ['{ name: a, logicalType: string, physicalType: "VARCHAR (20)", required: true }', 'a string required'],
  ['{ name: a, primaryKey: true, logicalType: string }', 'a string required'],
  ['{ name: a, logicalType: array, items: { logicalType: integer } }', 'a list<long>'],
  ['{ name: a, logicalType: object, properties: [{ name: b, logicalType: boolean }] }', 'a struct<b: boolean>'],
  ['{ name: a, physicalType: "map<string, bigint>" }', 'a map<string, long>'],
])('%s is the column %s', async (property, column) => {
  expect(await describe(`  - ${property}\n`)).toEqual({ columns: [column], problems: [] });
});

test.each([
  ['  - { name: a }\n', '9:5 CONTRACT_INVALID the column "a" has no type that is known'],
  [
    '  - { name: a, physicalType: decimal, logicalType: number }\n',
    '9:16 CONTRACT_INVALID the physicalType "decimal" does not say',
  ],
  [
    '  - { name: a, logicalType: integr }\n',
    '9:29 CONTRACT_INVALID schema[0].properties[0].logicalType is the text "integr"',
  ],
  [
    '  - { name: a, logicaltype: integer }\n',
    '9:16 CONTRACT_INVALID schema[0].properties[0] has the unknown key "logicaltype"',
  ],
  [
    '  - { name: a, logicalType: string }\n  - { name: A, logicalType: string }\n',
    '10:5 CONTRACT_INVALID the column "A" stands in the contract twice',
  ],
])('a contract that says something wrong is refused at its place: %j', async (properties, problem) => {
  expect((await describe(properties)).problems).toEqual([expect.stringContaining(problem)]);
});

test('a contract that is no YAML, or no contract, is refused', async () => {
  const codes = async (content: string) => {
    const { problems } = await loadContract(await jobFile(content, 'c.yaml'));
    return problems.map((p) => `${p.line}:${p.column} ${p.code}`);
  };
  expect(await codes('a: [1\n')).toEqual([expect.stringContaining('CONTRACT_UNREADABLE')]);
  expect(await codes('')).toEqual(['1:1 CONTRACT_INVALID']);
  expect(await codes('apiVersion: v9\nkind: DataContract\n')).toEqual([
    ...Array<string>(3).fill('1:1 CONTRACT_INVALID'),
    '1:13 CONTRACT_INVALID',
  ]);
});

test('rules of a contract that are not checked yet are pointed out', async () => {
  const { contract } = await loadContract(path.join(EXAMPLES, 'full-example.odcs.yaml'));
  expect(contract?.notices.map((n) => `${n.line} ${n.received}`)).toEqual([
    "105 the contract's quality section, which is kept but not checked yet",
    "121 the contract's quality section, which is kept but not checked yet",
  ]);
});
