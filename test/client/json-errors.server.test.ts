import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { COMMANDS, main } from '../../client/cli.ts';
import { ERROR_CATALOGUE } from '../../contracts/errors.ts';
import { jobFolder } from '../support/job-folder.ts';
import { temporalServer } from '../support/temporal.ts';
import { useWorker } from '../support/worker.ts';
import { captureTerminal } from './captured-terminal.ts';

useWorker();

const home = process.cwd();
afterEach(() => process.chdir(home));

/** Where nothing listens. */
const NOWHERE = { TEMPORAL_ADDRESS: '127.0.0.1:1' };
const JOB = 'source_connector: csv\nasset: json_errors\nsource: { path: orders.csv }\ntarget: { warehouse: lake }\n';

interface Failing {
  readonly words: readonly string[];
  readonly code: keyof typeof ERROR_CATALOGUE;
  readonly env?: NodeJS.ProcessEnv;
}

/** At least one way in which each command fails. */
const FAILING: readonly Failing[] = [
  { words: ['run', 'job.yaml'], code: 'SOURCE_NOT_FOUND' },
  { words: ['run', 'job.yaml', '--dry-run'], code: 'SOURCE_NOT_FOUND' },
  { words: ['run', 'wrong.yaml'], code: 'JOB_FILE_INVALID' },
  { words: ['run', 'job.yaml', '--from', '1'], code: 'USAGE' },
  { words: ['run', 'job.yaml'], code: 'SERVER_UNREACHABLE', env: NOWHERE },
  { words: ['validate', 'wrong.yaml'], code: 'JOB_FILE_INVALID' },
  { words: ['validate', 'broken.yaml'], code: 'JOB_FILE_SYNTAX' },
  { words: ['validate', 'nowhere.yaml'], code: 'JOB_FILE_UNREADABLE' },
  { words: ['validate', 'job.yaml', '--sample'], code: 'SOURCE_NOT_FOUND' },
  { words: ['schema', '--foo'], code: 'USAGE' },
  { words: ['init', 'csv', 'nowhere.csv'], code: 'SOURCE_NOT_FOUND' },
  { words: ['init', 'postgres', 'NO_SUCH_VARIABLE'], code: 'VARIABLE_UNSET' },
  { words: ['discover', 'job.yaml'], code: 'USAGE' },
  { words: ['dev', '--port', 'x'], code: 'USAGE' },
  { words: ['worker'], code: 'SERVER_UNREACHABLE', env: NOWHERE },
  { words: ['apply', 'nowhere'], code: 'USAGE' },
  { words: ['schedules'], code: 'SERVER_UNREACHABLE', env: NOWHERE },
  { words: ['pause', 'nothing'], code: 'SCHEDULE_NOT_FOUND' },
  { words: ['resume', 'nothing'], code: 'SCHEDULE_NOT_FOUND' },
  { words: ['trigger', 'nothing'], code: 'SCHEDULE_NOT_FOUND' },
  { words: ['backfill', 'nothing', '--from', '2026-01-01', '--to', '2026-01-02'], code: 'SCHEDULE_NOT_FOUND' },
  { words: ['runs', '--job', 'wrong.yaml'], code: 'JOB_FILE_INVALID' },
  { words: ['runs'], code: 'SERVER_UNREACHABLE', env: NOWHERE },
  { words: ['status', 'nothing'], code: 'RUN_NOT_FOUND' },
  { words: ['cancel', 'nothing'], code: 'RUN_NOT_FOUND' },
  { words: ['query', 'delete from orders', '--warehouse', 'lake'], code: 'QUERY_INVALID' },
  { words: ['query', 'from orders', '--warehouse', 'lake'], code: 'TABLE_NOT_FOUND' },
  { words: ['snapshots', 'orders', '--warehouse', 'lake'], code: 'TABLE_NOT_FOUND' },
  { words: ['maintain', '--dry-run'], code: 'USAGE' },
  { words: ['maintain', 'orders', '--warehouse', 'lake', '--dry-run'], code: 'TABLE_NOT_FOUND' },
];

test.each(FAILING)('$words --json prints one JSON document with the code $code', async ({ words, code, env }) => {
  const folder = await jobFolder({ 'job.yaml': JOB, 'wrong.yaml': `${JOB}sorce: x\n`, 'broken.yaml': 'a: "b\n' });
  await writeFile(path.join(folder, 'data.csv'), '');
  process.chdir(folder);
  const { address } = temporalServer();
  const terminal = captureTerminal();
  const context = { terminal, env: { TEMPORAL_ADDRESS: address, DATIVO_HOME: folder, ...env } };
  expect(await main([...words, '--json'], context)).not.toBe(0);
  expect(codesIn(JSON.parse(terminal.out.text()))).toContain(code);
});

test('each command is among them', () => {
  const tried = new Set(FAILING.map(({ words }) => words[0]));
  expect(COMMANDS.map(({ name }) => name).filter((name) => !tried.has(name))).toEqual([]);
});

/** The values of every `code`, at any depth; each has to be one of the catalogue. */
function codesIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const own = 'code' in value ? [String(value.code)] : [];
  for (const code of own) expect(Object.keys(ERROR_CATALOGUE)).toContain(code);
  return [...own, ...Object.values(value).flatMap(codesIn)];
}
