import { basename, join, relative, sep } from 'node:path';
import { stringify } from 'yaml';
import { tableName } from '../contracts/job-fields.ts';
import type { Column, ColumnType, StreamSchema } from '../contracts/schema.ts';
import { decimalParts, fixedLength, typeName } from '../contracts/schema.ts';
import { escapeTemplate } from './interpolate.ts';
import { assetFromFile } from './job-paths.ts';
import type { JsonObject } from './json-tree.ts';

/** What a first job is written from. */
export interface InitInput {
  /** The CSV file, as the user named it or absolute. */
  readonly csvFile: string;
  /** Folder that the job file will lie in, named the same way; paths in the job are relative to it. */
  readonly jobFolder: string;
  /** What the source found in a sample of the file (`StreamDescription`). */
  readonly schema: StreamSchema;
  /** How the file is read, in plain words, one thing each. */
  readonly notes: readonly string[];
  /** Default: the name of the CSV file in snake case. */
  readonly asset?: string;
  /** File or address of the JSON Schema for the editor hint. */
  readonly schemaLocation?: string;
}

export interface InitFiles {
  readonly asset: string;
  /** File name for the job, inside the job's folder. */
  readonly jobFile: string;
  readonly job: string;
  /** File name for the contract, beside the job. */
  readonly contractFile: string;
  readonly contract: string;
}

const COMPRESSED = /\.(gz|gzip|zst|zstd)$/i;

/** The texts of a job file and of its contract that bring a CSV file in as it was found. Writes nothing. */
export function initJob(input: InitInput): InitFiles {
  const asset = input.asset ?? assetOfCsv(input.csvFile);
  const jobFile = `${asset}.yaml`;
  const contractFile = `${asset}.contract.yaml`;
  return {
    asset,
    jobFile,
    job: jobText(input, asset, jobFile, contractFile),
    contractFile,
    contract: contractText(input, asset),
  };
}

function assetOfCsv(csvFile: string): string {
  const name = assetFromFile(basename(csvFile).replace(COMPRESSED, ''));
  return tableName().safeParse(name).success ? name : 'data';
}

function jobText(input: InitInput, asset: string, jobFile: string, contractFile: string): string {
  const path = relative(input.jobFolder, input.csvFile).split(sep).join('/');
  const line = (key: string, value: string) => `${key}: ${scalar(value)}`;
  const lines = [
    ...(input.schemaLocation === undefined ? [] : [`# yaml-language-server: $schema=${input.schemaLocation}`]),
    `# Brings ${oneLine(basename(path))} into the table "${asset}". Next: dativo run ${oneLine(join(input.jobFolder, jobFile))}`,
    'source_connector: csv',
    line('asset', asset),
    `${line('asset_path', contractFile)} # the columns and their types`,
    'source:',
    `  ${line('path', escapeTemplate(path))}`,
    ...input.notes.map((note) => `  # found in the sample: ${oneLine(note)}`),
    'target:',
    '  warehouse: ./warehouse',
  ];
  return `${lines.join('\n')}\n`;
}

function contractText(input: InitInput, asset: string): string {
  const contract = {
    apiVersion: 'v3.0.2',
    kind: 'DataContract',
    id: asset,
    version: '1.0.0',
    status: 'draft',
    schema: [
      {
        name: asset,
        physicalType: 'table',
        properties: input.schema.columns.map((column) => property(column, input.schema.primaryKey)),
      },
    ],
  };
  const hint = '# The columns of the data (Open Data Contract Standard). Columns are matched by name.\n';
  return hint + stringify(contract, { lineWidth: 0 });
}

function property(column: Column, primaryKey: readonly string[]): JsonObject {
  const position = primaryKey.indexOf(column.name) + 1;
  return {
    name: column.name,
    ...typeKeys(column.type),
    ...(column.required ? { required: true } : {}),
    ...(position > 0 ? { primaryKey: true, primaryKeyPosition: position } : {}),
    ...(column.doc === undefined ? {} : { description: column.doc }),
  };
}

/** ODCS has no map type: a map is an object whose physical type says what it holds. */
function typeKeys(type: ColumnType): JsonObject {
  if (typeof type === 'string') return { logicalType: logicalType(type), physicalType: type };
  switch (type.type) {
    case 'struct':
      return { logicalType: 'object', properties: type.fields.map((field) => property(field, [])) };
    case 'list': {
      const items = { ...typeKeys(type.element), ...(type.elementRequired ? { required: true } : {}) };
      return { logicalType: 'array', items };
    }
    case 'map':
      return { logicalType: 'object', physicalType: typeName(type) };
  }
}

const LOGICAL_TYPE: Readonly<Record<string, string>> = {
  boolean: 'boolean',
  int: 'integer',
  long: 'integer',
  float: 'number',
  double: 'number',
  date: 'date',
  time: 'date',
  timestamp: 'date',
  timestamptz: 'date',
};

function logicalType(type: ColumnType & string): string {
  if (decimalParts(type) !== undefined) return 'number';
  return fixedLength(type) === undefined ? (LOGICAL_TYPE[type] ?? 'string') : 'string';
}

/** A text as YAML on one line. */
function scalar(text: string): string {
  const yaml = stringify(text, { lineWidth: 0 }).trimEnd();
  return yaml.includes('\n') ? JSON.stringify(text) : yaml;
}

/** A text that cannot leave the comment that it stands in. */
function oneLine(text: string): string {
  return text.replace(/[\r\n\u0085\u2028\u2029]+/g, ' ');
}
