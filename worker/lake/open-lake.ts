import { DuckDbSession } from '../../connectors/duckdb/session.ts';
import { catalogOf, embeddedCatalog } from '../../connectors/iceberg/open-catalog.ts';
import { IcebergReader } from '../../connectors/iceberg/reader.ts';
import type { LakeAddress } from '../../contracts/lake-view.ts';
import { duckDbBudget, readBudget } from '../budget.ts';
import { lakeOf } from '../lake-location.ts';
import { openScratchFolder } from '../scratch.ts';

const NEVER = new AbortController().signal;

/** Opens the lake for the time of the work. */
export async function withReader<T>(address: LakeAddress, work: (reader: IcebergReader) => Promise<T>): Promise<T> {
  const lake = lakeOf(address);
  const provider = address.catalog === undefined ? embeddedCatalog(lake) : catalogOf(address.catalog, lake);
  const reader = await IcebergReader.open(lake.storage, lake.warehouse, provider);
  try {
    return await work(reader);
  } finally {
    reader.close();
  }
}

/** A DuckDB session within this machine's budget, for the time of the work; `signal` interrupts its queries. */
export async function withSession<T>(
  work: (session: DuckDbSession) => Promise<T>,
  signal: AbortSignal = NEVER,
): Promise<T> {
  await using scratch = await openScratchFolder();
  await using session = await DuckDbSession.open(duckDbBudget(readBudget(process.env), scratch.path), signal);
  // Awaited here, so that the session lives until the work is done.
  return await work(session);
}
