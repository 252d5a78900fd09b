import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';

const ROOT = path.join(import.meta.dirname, '..', '..');
const source = (file: string) => JSON.stringify(pathToFileURL(path.join(ROOT, file)).href);

/** Prints the packages that the program loaded, one line of JSON, as its last words. */
const WATCH = `
  import { registerHooks } from 'node:module';
  const packages = new Set();
  registerHooks({
    load(url, context, next) {
      const [, name] = /\\/node_modules\\/((?:@[^/]+\\/)?[^/]+)\\/(?!.*\\/node_modules\\/)/.exec(url) ?? [];
      if (name) packages.add(name);
      return next(url, context);
    },
  });
  process.on('exit', () => console.log(JSON.stringify([...packages].sort())));
`;

let folder = '';

beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'dativo-loads-'));
  await writeFile(path.join(folder, 'orders.csv'), 'id,name\n1,a\n');
  await writeFile(
    path.join(folder, 'job.yaml'),
    'source_connector: csv\nasset: orders\nsource: { path: orders.csv }\n',
  );
});

afterEach(() => rm(folder, { recursive: true, force: true }));

async function packagesOf(program: string): Promise<string[]> {
  const watch = `data:text/javascript,${encodeURIComponent(WATCH)}`;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', watch, '--disable-warning=ExperimentalWarning', '--input-type=module', '-e', program],
    { cwd: folder },
  );
  const packages: unknown = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '');
  if (!Array.isArray(packages)) throw new Error('the program had no last words');
  return packages.map(String);
}

function packagesOfCommand(...argv: string[]): Promise<string[]> {
  return packagesOf(`const { main } = await import(${source('client/cli.ts')});
    process.exitCode = await main(${JSON.stringify(argv)});`);
}

test('what tells about commands loads nothing that works on data', async () => {
  const packages = ['commander', 'zod'];
  expect(await packagesOfCommand('--help')).toEqual(packages);
  expect(await packagesOfCommand('schema')).toEqual(packages);
});

test('a job is validated without Temporal and without DuckDB', async () => {
  expect(await packagesOfCommand('validate', 'job.yaml')).toEqual(['commander', 'yaml', 'zod']);
});

test('a worker loads neither the client of object stores nor that of a database before a job names one', async () => {
  const packages = await packagesOf(`await import(${source('worker/start-worker.ts')});`);
  expect(packages).toContain('@temporalio/worker');
  expect(packages.filter((name) => ['mysql2', 'pg'].includes(name) || name.startsWith('@aws-sdk/'))).toEqual([]);
});
