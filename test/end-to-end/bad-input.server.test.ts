import { execFileSync } from 'node:child_process';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { ErrorCode } from '../../contracts/errors.ts';
import { dativo } from '../support/cli.ts';
import { jobFolder } from '../support/job-folder.ts';
import { useWorker } from '../support/worker.ts';

useWorker();

const CSV = 'id,amount\n1,2.5\n2,3.5\n';
const CONTRACT = `apiVersion: v3.0.2
kind: DataContract
id: orders
version: 1.0.0
status: active
schema:
  - name: orders
    logicalType: object
    properties:
      - { name: id, logicalType: integer, required: true }
      - { name: customer, logicalType: string, required: true }
`;

let jobs = 0;
function job(lines: string): string {
  return `source_connector: csv\nasset: bad_${process.pid}_${++jobs}\ntarget: { namespace: shop, warehouse: lake }\n${lines}`;
}

interface BadInput {
  readonly name: string;
  readonly files: Readonly<Record<string, string>>;
  readonly code: ErrorCode;
  /** 1: the run failed; 2: the job or the command line is wrong. */
  readonly exit: 1 | 2;
  /** What the sentence must name. */
  readonly says: RegExp;
}

const CASES: readonly BadInput[] = [
  {
    name: 'a YAML syntax error',
    files: { 'job.yaml': 'asset: [a\nsource: }' },
    code: 'JOB_FILE_SYNTAX',
    exit: 2,
    says: /job\.yaml:\d+:\d+/,
  },
  {
    name: 'an unknown key',
    files: { 'job.yaml': job('sorce: { path: a.csv }\n') },
    code: 'JOB_FILE_INVALID',
    exit: 2,
    says: /sorce.*source/,
  },
  {
    name: 'an unset variable',
    files: { 'job.yaml': job('source: { path: "${NO_SUCH_FOLDER}/a.csv" }\n') },
    code: 'VARIABLE_UNSET',
    // Where a server is configured the variables are the workers'; else this is found before anything starts.
    exit: 1,
    says: /NO_SUCH_FOLDER/,
  },
  {
    name: 'a missing file',
    files: { 'job.yaml': job('source: { path: none.csv }\n') },
    code: 'SOURCE_NOT_FOUND',
    exit: 1,
    says: /none\.csv/,
  },
  {
    name: 'a contract that does not match',
    files: {
      'job.yaml': job('asset_path: contract.yaml\nsource: { path: a.csv }\n'),
      'contract.yaml': CONTRACT,
      'a.csv': CSV,
    },
    code: 'SCHEMA_MISMATCH',
    exit: 1,
    says: /customer.*missing.*amount.*unknown/,
  },
  {
    name: 'an empty file',
    files: { 'job.yaml': job('source: { path: a.csv }\n'), 'a.csv': '' },
    code: 'SOURCE_EMPTY',
    exit: 1,
    says: /a\.csv/,
  },
  {
    name: 'a header only',
    files: { 'job.yaml': job('source: { path: a.csv }\n'), 'a.csv': 'id,amount\n' },
    code: 'SOURCE_EMPTY',
    exit: 1,
    says: /a\.csv/,
  },
  {
    name: 'a file that is not CSV',
    files: {
      'job.yaml': job('source: { path: a.csv }\n'),
      'a.csv': `PK\u0003\u0004\u0000\u0000${'\u0001\u0000'.repeat(500)}`,
    },
    code: 'SOURCE_NOT_CSV',
    exit: 1,
    says: /a\.csv/,
  },
  {
    name: 'two columns of one name',
    files: { 'job.yaml': job('source: { path: a.csv }\n'), 'a.csv': 'id,amount,ID\n1,2,3\n' },
    code: 'DUPLICATE_COLUMN',
    exit: 1,
    says: /id/i,
  },
  {
    name: 'a table that is not ours',
    files: {
      'job.yaml': job('source: { path: a.csv }\n'),
      'a.csv': CSV,
      'lake/catalog.db': 'this is no database, but somebody needs it',
    },
    code: 'TABLE_NOT_OURS',
    exit: 1,
    says: /catalog\.db/,
  },
  {
    name: 'a lake written by a newer version',
    files: { 'job.yaml': job('source: { path: a.csv }\n'), 'a.csv': CSV, 'lake/_dativo/lake.json': '{"format": 99}' },
    code: 'TABLE_NEWER',
    exit: 1,
    says: /99/,
  },
];

describe('bad input is answered with one sentence that says what to do', () => {
  test.each(CASES)('$name', async ({ files, code, exit, says }) => {
    const folder = await jobFolder(files);
    const outcome = await dativo(['run', 'job.yaml'], { cwd: folder });
    const text = outcome.stdout + outcome.stderr;
    expect([outcome.code, text]).toEqual([exit, expect.stringContaining(code)]);
    expect(text).toMatch(says);
    expect(text).not.toMatch(/^\s+at /m);
  });

  test('a folder without rights', async () => {
    const folder = await jobFolder({ 'job.yaml': job('source: { path: a.csv }\n'), 'a.csv': CSV });
    await chmod(folder, 0o755);
    await mkdir(path.join(folder, 'lake'));
    await chmod(path.join(folder, 'lake'), 0o555);
    const outcome = await dativo(['run', 'job.yaml'], {
      cwd: folder,
      unprivileged: true,
      env: { HOME: folder, XDG_CONFIG_HOME: folder },
    });
    expect([outcome.code, outcome.stdout + outcome.stderr]).toEqual([
      expect.any(Number),
      expect.stringContaining('STORAGE_DENIED'),
    ]);
    expect(outcome.code).toBeGreaterThan(0);
  });

  test('a port in use', async () => {
    const folder = await jobFolder({});
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    onTestFinished(() => void server.close());
    const address = server.address();
    const port = typeof address === 'object' ? String(address?.port) : '';
    const outcome = await dativo(['dev', '--port', port], {
      cwd: folder,
      env: { TEMPORAL_ADDRESS: '', DATIVO_HOME: folder },
    });
    expect([outcome.code, outcome.stderr]).toEqual([2, expect.stringContaining('PORT_IN_USE')]);
    expect(outcome.stderr).toContain(port);
  });

  test('a full disk', async () => {
    const folder = await jobFolder({ 'job.yaml': job('source: { path: a.csv }\n') });
    const rows = Array.from({ length: 400_000 }, (_, id) => `${id},${Math.sin(id)}`);
    await writeFile(path.join(folder, 'a.csv'), `id,amount\n${rows.join('\n')}\n`);
    const lake = path.join(folder, 'lake');
    await mkdir(lake);
    mountSmallDisk(lake);
    const outcome = await dativo(['run', 'job.yaml'], { cwd: folder });
    expect([outcome.code, outcome.stdout + outcome.stderr]).toEqual([1, expect.stringContaining('STORAGE_FULL')]);
  });
});

/** A disk of 2 MB; needs root, as the machines that test this have it, and fails where it cannot be made. */
function mountSmallDisk(folder: string): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', folder]);
  onTestFinished(() => void execFileSync('umount', [folder]));
}
