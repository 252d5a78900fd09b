import type { OpenTarget } from '../config/open-job.ts';
import { RoutingStorage, s3Settings, warehouseUri } from '../connectors/storage/routing.ts';
import type { Storage } from '../connectors/storage/storage.ts';
import { inFolder } from '../connectors/storage/storage.ts';
import { RUNS_NAMESPACE } from '../contracts/ids.ts';

/** Where a lake is, and how its files are reached. */
export interface LakeLocation {
  readonly storage: Storage;
  /** URI of the lake's folder. */
  readonly warehouse: string;
  /** URI of Dativo's own folder in it. */
  readonly workFolder: string;
}

/** `rereadStorage`: see `s3Settings`. Throws NOT_AVAILABLE_YET for a warehouse that no storage serves. */
export function lakeOf(
  target: Pick<OpenTarget, 'warehouse' | 'storage'>,
  rereadStorage?: () => Promise<OpenTarget['storage']>,
): LakeLocation {
  const warehouse = warehouseUri(target.warehouse);
  const storage = new RoutingStorage(s3Settings(target.storage, rereadStorage));
  return { storage, warehouse, workFolder: inFolder(warehouse, RUNS_NAMESPACE) };
}
