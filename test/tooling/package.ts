import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/**
 * Proves that the package works where no checkout is: packs it, installs it into an empty folder, and has it validate
 * and run a job there, on a dev server of its own.
 */
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const JOB = 'source_connector: csv\nasset: cities\nsource: { path: cities.csv }\n';
const ROWS = 'name,people\nOslo,717710\nBergen,291940\n';

const run = promisify(execFile);
const say = (line: string) => process.stdout.write(`${line}\n`);

const folder = await mkdtemp(path.join(tmpdir(), 'dativo-package-'));
try {
  say('npm pack');
  await run('npm', ['pack', '--pack-destination', folder], { cwd: ROOT });
  const tarball = (await readdir(folder)).find((name) => name.endsWith('.tgz'));
  if (tarball === undefined) throw new Error('npm pack made no archive');

  say(`npm install ${tarball}`);
  const project = path.join(folder, 'project');
  await mkdir(project);
  await run('npm', ['init', '-y'], { cwd: project });
  await run('npm', ['install', '--no-audit', '--no-fund', path.join(folder, tarball)], { cwd: project });
  await writeFile(path.join(project, 'cities.yaml'), JOB);
  await writeFile(path.join(project, 'cities.csv'), ROWS);

  const environment = { ...process.env, DATIVO_HOME: path.join(folder, 'home') };
  const dativo = async (...words: string[]) => {
    say(`dativo ${words.join(' ')}`);
    const { stdout } = await run(path.join(project, 'node_modules', '.bin', 'dativo'), words, {
      cwd: project,
      env: environment,
    });
    return stdout;
  };
  expectText(await dativo('--help'), 'validate');
  expectText(await dativo('schema'), 'source_connector');
  await dativo('validate', 'cities.yaml');
  await dativo('run', 'cities.yaml');
  expectText(await dativo('query', 'select sum(people) as people from cities'), '1009650');
  say('The package works outside of the checkout.');
} finally {
  await rm(folder, { recursive: true });
}

function expectText(output: string, text: string): void {
  if (!output.includes(text)) throw new Error(`expected ${text} in:\n${output}`);
}
