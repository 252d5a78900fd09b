import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Measured } from '../measure.ts';
import { measureNode } from '../measure.ts';
import { ORDER_COLUMNS } from './generate-orders.ts';

const CLI = fileURLToPath(new URL('../../bin/dativo.js', import.meta.url));
/** What the first line of the launcher gives to Node. */
const LAUNCHER_OPTIONS = ['--max-semi-space-size=4'];

/** A job that reads generated orders into a lake of its own. */
export async function writeJob(work: string, name: string, csv: string): Promise<{ job: string; lake: string }> {
  const folder = path.join(work, name);
  const lake = path.join(folder, 'lake');
  await mkdir(folder, { recursive: true });
  const job = path.join(folder, 'job.yaml');
  const types = Object.entries(ORDER_COLUMNS).map(
    ([column, type]) => `    ${column}: ${type === 'TIMESTAMP WITH TIME ZONE' ? 'timestamptz' : type.toLowerCase()}`,
  );
  await writeFile(
    job,
    `source_connector: csv\nasset: ${name}\nsource:\n  path: ${csv}\n  types:\n${types.join('\n')}\ntarget: { namespace: bench, warehouse: lake }\n`,
  );
  return { job, lake };
}

/** `dativo run` with a worker of its own, as one process. */
export function measureRun(jobs: readonly string[], env: NodeJS.ProcessEnv): Promise<Measured> {
  return measureNode([...LAUNCHER_OPTIONS, CLI, 'run', ...jobs, '--with-worker'], env);
}
