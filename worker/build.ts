import { execFile } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { bundleWorkflows } from './workflow-bundle.ts';

/**
 * Makes `dist/`, which is what an installed package runs: plain JavaScript, since Node does not strip types under
 * `node_modules`, and the workflows bundled once, so that no user waits for that.
 */
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const DIST = path.join(ROOT, 'dist');
const COMPILER = path.join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');

await rm(DIST, { recursive: true, force: true });
await promisify(execFile)(process.execPath, [COMPILER, '-p', path.join(ROOT, 'tsconfig.build.json')]).catch(
  ({ stdout, stderr }: { stdout: string; stderr: string }) => {
    process.stderr.write(`${stdout}${stderr}`);
    process.exit(1);
  },
);
const { code } = await bundleWorkflows();
await writeFile(path.join(DIST, 'workflow-bundle.js'), code);
