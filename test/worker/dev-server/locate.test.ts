import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { addToCache, findCached, serverCacheFolder } from '../../../worker/dev-server/binary-cache.ts';
import { downloadServer } from '../../../worker/dev-server/download.ts';
import { BUILT_VERSION } from '../../../worker/dev-server/go-build.ts';
import { locateServerBinary } from '../../../worker/dev-server/locate.ts';

/** Programs that stand in for the real ones: only where they are found, and in which order, is of interest here. */
const WORKING_SERVER = 'echo "temporal version 1.5.1"';
const BROKEN_SERVER = 'exit 1';

let folder = '';
let env: NodeJS.ProcessEnv = {};
let said: string[] = [];
const announce = (line: string) => said.push(line);

beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'dativo-locate-'));
  await mkdir(path.join(folder, 'bin'));
  env = { PATH: path.join(folder, 'bin'), XDG_CACHE_HOME: path.join(folder, 'cache'), HOME: folder };
  said = [];
});

afterEach(() => rm(folder, { recursive: true, force: true }));

async function install(name: string, script: string): Promise<string> {
  const file = path.join(folder, 'bin', name);
  await writeFile(file, `#!/bin/sh\nPATH=/usr/bin:/bin\n${script}\n`);
  await chmod(file, 0o755);
  return file;
}

/** A `go` that notes each build and, as the real one, leaves its result in GOBIN. */
function installGo(
  build = `printf '#!/bin/sh\\n${WORKING_SERVER.replaceAll('"', '\\"')}\\n' > "$GOBIN/temporal"; chmod +x "$GOBIN/temporal"`,
) {
  return install(
    'go',
    `if [ "$1" = version ]; then echo "go version go1.26.0 linux/amd64"; exit; fi
echo "$CGO_ENABLED $*" >> ${path.join(folder, 'builds')}
sleep 0.3
${build}`,
  );
}

async function builds(): Promise<string[]> {
  return (await readFile(path.join(folder, 'builds'), 'utf8')).trim().split('\n');
}

async function idOfEndedProcess(): Promise<number | undefined> {
  const child = spawn('true');
  await once(child, 'exit');
  return child.pid;
}

const noDownload: typeof downloadServer = async () => undefined;

function locate(download = noDownload): Promise<string> {
  return locateServerBinary({ env, announce, download });
}

test('a server on PATH is used before anything else', async () => {
  const onPath = await install('temporal', WORKING_SERVER);
  await installGo();
  expect(await locate()).toBe(onPath);
  expect(said).toEqual([`Temporal dev server: ${onPath}, found on PATH.`]);
});

test('a server on PATH that does not start is passed over, and that is said', async () => {
  const onPath = await install('temporal', BROKEN_SERVER);
  await installGo();
  expect(await locate()).not.toBe(onPath);
  expect(said[0]).toContain(`${onPath} does not work`);
});

test("the SDK's download is tried before a build, and kept", async () => {
  await installGo();
  const download: typeof downloadServer = async ({ folder: scratch }) => {
    const file = path.join(scratch, 'downloaded');
    await writeFile(file, `#!/bin/sh\n${WORKING_SERVER}\n`, { mode: 0o755 });
    return file;
  };
  const first = await locate(download);
  expect(path.dirname(first)).toBe(serverCacheFolder(env));
  expect(await locate(noDownload)).toBe(first);
});

test('a build needs no C compiler, names its version, and is done once', async () => {
  await installGo();
  const first = await locate();
  expect(await locate()).toBe(first);
  expect(await builds()).toEqual([
    `0 install -v -ldflags -s -w github.com/temporalio/cli/cmd/temporal@${BUILT_VERSION}`,
  ]);
});

test('each step is announced in plain words', async () => {
  await installGo();
  await locate();
  expect(said.join('\n')).toMatch(/not on PATH[\s\S]*downloading[\s\S]*building[\s\S]*built in/);
});

test('two commands that find no server build it once', async () => {
  await installGo();
  const [first, second] = await Promise.all([locate(), locate()]);
  expect(second).toBe(first);
  expect(await builds()).toHaveLength(1);
});

test('an unpacked server that is gone is unpacked again, not built again', async () => {
  await installGo();
  const binary = await locate();
  const content = await readFile(binary);
  await rm(binary);
  expect(await locate()).toBe(binary);
  expect((await readFile(binary)).equals(content)).toBe(true);
  expect(await builds()).toHaveLength(1);
});

test('looking for a server leaves nothing unfinished in the cache', async () => {
  const cache = serverCacheFolder(env);
  await mkdir(cache, { recursive: true });
  for (const name of ['sdk-1.0.0', 'v1.0.0', BUILT_VERSION]) expect(await findCached(cache, name)).toBeUndefined();
  expect(await readdir(cache)).toEqual([]);
});

test('what killed processes left unfinished is removed at the next start; what others are at is not', async () => {
  await installGo();
  const binary = await locate();
  const gone = await idOfEndedProcess();
  const cache = path.dirname(binary);
  await mkdir(path.join(cache, `preparing.${gone}.partial`));
  await writeFile(path.join(cache, 'preparing.1.partial'), '');
  await writeFile(`${binary}.${gone}.partial`, '');
  await writeFile(`${binary}.${process.pid}.partial`, '');
  await locate();
  const left = (await readdir(cache)).filter((name) => name.endsWith('.partial'));
  expect(left.toSorted()).toEqual(['preparing.1.partial', `${path.basename(binary)}.${process.pid}.partial`]);
});

test('a damaged cache is built again', async () => {
  await installGo();
  const binary = await locate();
  await rm(binary);
  await writeFile(`${binary}.zst`, 'not what was put there');
  expect(await locate()).toBe(binary);
  expect(await builds()).toHaveLength(2);
});

test('nothing half-done stays in the cache', async () => {
  const cache = serverCacheFolder(env);
  const gone = await idOfEndedProcess();
  await mkdir(path.join(cache, `preparing.${gone}.partial`), { recursive: true });
  await mkdir(path.join(cache, `preparing.${process.pid}.partial`));
  await writeFile(path.join(cache, `temporal.${gone}.partial`), 'half');
  await installGo();
  const binary = path.basename(await locate());
  expect((await readdir(cache)).toSorted()).toEqual(['prepare.lock', binary, `${binary}.zst`]);
});

test('when nothing works, one sentence says what to install', async () => {
  await installGo('echo "go: no route to the module proxy" >&2; exit 1');
  await expect(locate()).rejects.toMatchObject({ code: 'SERVER_UNAVAILABLE' });
  await expect(locate()).rejects.toThrow(/https:\/\/docs\.temporal\.io\/cli/);
  expect(said.join('\n')).toContain('no route to the module proxy');
});

test('a download that fails is reported and leaves no process behind', async () => {
  const scratch = path.join(folder, 'scratch');
  await mkdir(scratch);
  const program = path.join(folder, 'fails.mjs');
  await writeFile(program, 'process.exit(1);');
  expect(await downloadServer({ env, folder: scratch, announce, program })).toBeUndefined();
  expect(said).toEqual(['  the download did not work (is temporal.download reachable from here?)']);
});

test('a download leaves the one file that the SDK made', async () => {
  const scratch = path.join(folder, 'scratch');
  await mkdir(scratch);
  const program = path.join(folder, 'downloads.mjs');
  await writeFile(
    program,
    "import { writeFileSync } from 'node:fs'; writeFileSync(`${process.argv[2]}/temporal-sdk`, '');",
  );
  expect(await downloadServer({ env, folder: scratch, announce, program })).toBe(path.join(scratch, 'temporal-sdk'));
});

test('what is put into the cache comes out byte for byte', async () => {
  const cache = serverCacheFolder(env);
  await mkdir(cache, { recursive: true });
  const bytes = Buffer.from(Array.from({ length: 3_000_000 }, (_, i) => (i * i) % 251));
  await writeFile(path.join(folder, 'server'), bytes);
  const binary = await addToCache(cache, 'v1', path.join(folder, 'server'));
  await rm(binary);
  expect((await readFile((await findCached(cache, 'v1')) ?? '')).equals(bytes)).toBe(true);
});
