import type { OpenTarget } from '../config/open-job.ts';
import { LocalStorage, localUri } from '../connectors/storage/local.ts';
import type { Storage } from '../connectors/storage/storage.ts';
import { inFolder } from '../connectors/storage/storage.ts';
import { RUNS_NAMESPACE } from '../contracts/ids.ts';

/** The lake's storage and Dativo's own folder in it. */
export function lakeOf({ warehouse }: Pick<OpenTarget, 'warehouse'>): { storage: Storage; workFolder: string } {
  return { storage: new LocalStorage(), workFolder: inFolder(localUri(warehouse), RUNS_NAMESPACE) };
}
