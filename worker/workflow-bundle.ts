import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { WorkflowBundleWithSourceMap } from '@temporalio/worker';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Written by `npm run build` beside the compiled code, so that an installed package never bundles. */
const PREBUILT = path.join(ROOT, 'workflow-bundle.js');

/** What decides the bundle: the workflows, the words they share with everyone, and the SDK. */
const INPUT_FOLDERS = ['workflows', 'contracts'];

/**
 * The workflow code in the form that a worker runs. Bundling takes seconds, so in a checkout the result is kept,
 * named by the digest of everything that goes into it.
 */
export async function loadWorkflowBundle(): Promise<{ code: string }> {
  if (existsSync(PREBUILT)) return { code: await readFile(PREBUILT, 'utf8') };
  const cached = path.join(ROOT, 'node_modules', '.cache', 'dativo', `workflows-${await inputDigest()}.js`);
  if (!existsSync(cached)) await writeAtomically(cached, (await bundleWorkflows()).code);
  return { code: await readFile(cached, 'utf8') };
}

/** Bundles `workflows/index`; used by the build and by `loadWorkflowBundle`. */
export async function bundleWorkflows(): Promise<WorkflowBundleWithSourceMap> {
  const { bundleWorkflowCode, DefaultLogger } = await import('@temporalio/worker');
  const extension = path.extname(fileURLToPath(import.meta.url));
  return bundleWorkflowCode({
    workflowsPath: path.join(ROOT, 'workflows', `index${extension}`),
    logger: new DefaultLogger('WARN'),
  });
}

async function inputDigest(): Promise<string> {
  const hash = createHash('sha256');
  const { version } = createRequire(import.meta.url)('@temporalio/worker/package.json') as { version: string };
  hash.update(version);
  for (const folder of INPUT_FOLDERS) {
    for (const name of (await readdir(path.join(ROOT, folder))).toSorted()) {
      hash.update(`${folder}/${name}\n`).update(await readFile(path.join(ROOT, folder, name)));
    }
  }
  return hash.digest('hex').slice(0, 16);
}

/** Several commands may start at once: none may read a half-written bundle. */
async function writeAtomically(file: string, text: string): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  const temporary = `${file}.${process.pid}`;
  await writeFile(temporary, text);
  await rename(temporary, file);
}
