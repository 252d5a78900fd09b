import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { COMMANDS, main } from '../../client/cli.ts';
import type { CapturedTerminal } from './captured-terminal.ts';
import { captureTerminal } from './captured-terminal.ts';

let folder = '';
let terminal: CapturedTerminal = captureTerminal();

beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'dativo-cli-'));
  terminal = captureTerminal();
});

afterEach(() => rm(folder, { recursive: true, force: true }));

function dativo(...argv: string[]): Promise<number> {
  return main(argv, { terminal, env: { DATIVO_HOME: path.join(folder, '.dativo') } });
}

async function jobFile(text: string): Promise<string> {
  const file = path.join(folder, 'job.yaml');
  await writeFile(file, text);
  return file;
}

const VALID_JOB = 'source_connector: csv\nasset: orders\nsource: { path: orders.csv }\n';
const WRONG_JOB = 'source_connector: csv\nasset: orders\nsorce: { path: orders.csv }\n';

test.each(COMMANDS.map(({ name }) => name))('the help of %s has examples that begin with the program', async (name) => {
  expect(await dativo(name, '--help')).toBe(0);
  expect(terminal.out.text()).toMatch(new RegExp(`Usage: dativo ${name}`));
  const [, examples = ''] = terminal.out.text().split('\nExamples:\n');
  expect(examples).toContain(`dativo ${name}`);
  expect(terminal.out.text()).toContain('--json');
});

test('the help lists every command', async () => {
  expect(await dativo('--help')).toBe(0);
  for (const { name } of COMMANDS) expect(terminal.out.text()).toMatch(new RegExp(`^  ${name} `, 'm'));
});

test('no command at all prints the help and is a mistake', async () => {
  expect(await dativo()).toBe(2);
  expect(terminal.err.text()).toContain('Usage: dativo');
});

test('an unknown command is refused with the nearest known one', async () => {
  expect(await dativo('snapshot', 'orders')).toBe(2);
  expect(terminal.err.text()).toContain('did you mean snapshots?');
  expect(terminal.out.text()).toBe('');
});

test('help for an unknown command names the nearest known one', async () => {
  expect(await dativo('help', 'snapshot')).toBe(2);
  expect(terminal.err.text()).toContain('the command snapshot, which is not known; expected snapshots; did you mean');
});

test('an unknown option is refused with the nearest known one', async () => {
  expect(await dativo('run', 'job.yaml', '--full-refesh')).toBe(2);
  expect(terminal.err.text()).toContain('did you mean --full-refresh?');
});

test.each([
  { argv: ['run'], says: 'dativo run without <job>; expected dativo run [options] <job...>; see' },
  { argv: ['validate'], says: 'without <files>; expected dativo validate [options] <files...>; see' },
  { argv: ['schema', 'a'], says: 'takes; expected' },
  { argv: ['snapshots', 'a', 'tags'], says: 'the action tags; expected tag; see' },
  { argv: ['snapshots', 'a', 'diff', 'b'], says: 'expected dativo snapshots <table> diff <snapshot> <snapshot>; see' },
  { argv: ['query', 'select 1', '--csv', '--json'], says: 'expected one of them' },
  { argv: ['run', 'job.yaml', '--from', '2026-01-01'], says: '--from alone' },
  { argv: ['run', 'job.yaml', '--to', '2026-01-01'], says: '--to alone' },
  { argv: ['run', 'job.yaml', '--full-refresh', '--from', '1', '--to', '2'], says: '--full-refresh with --from' },
  { argv: ['dev', '--port', '99999'], says: '--port 99999; expected a whole number from 1 to 65535; see' },
  { argv: ['runs', '--limit', 'many'], says: '--limit many; expected a whole number of at least 1; see' },
  { argv: ['query', 'x', '--limit', '1e2'], says: '--limit 1e2; expected a whole number of at least 1; see' },
  { argv: ['query', 'select', '1'], says: 'quotes' },
  { argv: ['init', 'excel', 'orders.xlsx'], says: 'expected csv' },
])('$argv is a usage mistake told in one sentence', async ({ argv, says }) => {
  expect(await dativo(...argv)).toBe(2);
  expect(terminal.err.text()).toContain(says);
  expect(terminal.err.text()).toMatch(/^dativo: .*; expected .*; .*\. \(USAGE\)\n$/);
});

test('a mistake is JSON as well when JSON was asked for', async () => {
  expect(await dativo('runz', '--json')).toBe(2);
  expect(JSON.parse(terminal.out.text())).toMatchObject({ error: { code: 'USAGE', kind: 'config' } });
});

test('a valid job file is told to be valid', async () => {
  expect(await dativo('validate', await jobFile(VALID_JOB))).toBe(0);
  expect(terminal.out.text()).toContain('valid, asset orders, 1 object');
});

test('problems are told with file, line and column', async () => {
  const file = await jobFile(WRONG_JOB);
  expect(await dativo('validate', file)).toBe(2);
  expect(terminal.out.text()).toMatch(/job\.yaml:3:1: .*sorce.*source/);
});

test('validate prints one JSON document', async () => {
  expect(await dativo('validate', await jobFile(WRONG_JOB), '--json')).toBe(2);
  expect(JSON.parse(terminal.out.text())).toMatchObject({
    valid: false,
    problems: expect.arrayContaining([expect.objectContaining({ line: 3, column: 1, code: 'JOB_FILE_INVALID' })]),
  });
});

test('run reports every problem of every job before anything is started', async () => {
  const file = await jobFile(WRONG_JOB);
  expect(await dativo('run', file, path.join(folder, 'missing.yaml'))).toBe(2);
  expect(terminal.err.text()).toMatch(/sorce[\s\S]*missing\.yaml/);
  expect(terminal.err.text()).not.toContain('Temporal');
});

test('two job files for one asset are not run as one', async () => {
  const first = await jobFile(VALID_JOB);
  const second = path.join(folder, 'again.yaml');
  await writeFile(second, VALID_JOB);
  expect(await dativo('run', first, second)).toBe(2);
  expect(terminal.err.text()).toContain('both fill the asset orders');
});

test('the JSON Schema is one JSON document', async () => {
  expect(await dativo('schema')).toBe(0);
  expect(JSON.parse(terminal.out.text())).toHaveProperty('properties.source_connector');
});

test('the version is the one of the package', async () => {
  expect(await dativo('--version')).toBe(0);
  expect(terminal.out.text()).toMatch(/^\d+\.\d+\.\d+/);
});
