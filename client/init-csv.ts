import { statSync } from 'node:fs';
import path from 'node:path';
import { escapeTemplate } from '../config/interpolate.ts';
import { assetFromFile } from '../config/job-paths.ts';
import { contractFileText, jobFileText, provisionalJob } from './init-files.ts';
import type { InitPlan, InitRequest } from './init-plan.ts';
import { placesOf } from './init-plan.ts';
import { usage } from './usage.ts';

/** `orders.csv.gz` is about orders. */
const DATA_ENDINGS = /(\.(csv|tsv|txt|gz|zst))+$/i;

/** A job and a contract for a file, from a sample of it. */
export async function initCsv({ from, asset: named, out, env }: InitRequest): Promise<InitPlan> {
  if (statSync(from, { throwIfNoEntry: false })?.isDirectory()) {
    throw usage(`the folder ${from}`, 'one data file', 'name a file that is like those to come');
  }
  const asset = named ?? assetFromFile(path.basename(from).replace(DATA_ENDINGS, ''));
  const { jobFile, folder, contract } = placesOf(asset, out);
  const file = path.resolve(from);
  return {
    asset,
    jobFile,
    contractFile: path.join(folder, contract),
    write: async () => {
      const { sampleSources } = await import('../worker/dry-run.ts');
      const job = provisionalJob(asset, {
        folder: path.dirname(file),
        name: path.basename(file),
        connector: 'csv',
        source: { path: escapeTemplate(file) },
      });
      const [sample] = await sampleSources(job, env);
      const { columns, notes } = sample ?? { columns: [], notes: [] };
      const source = { path: path.relative(folder, file) };
      return {
        job: jobFileText({ connector: 'csv', asset, source, contract }),
        contract: contractFileText(asset, [{ name: asset, columns }]),
        columns,
        notes,
      };
    },
  };
}
