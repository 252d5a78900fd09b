import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DuckDbSession } from '../../connectors/duckdb/session.ts';

/** A folder of its own for one test; removed at the end of its scope. */
export async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'dativo-test-'));
  return { path: folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}

/** A small DuckDB of its own for one test. */
export async function openSession(
  signal: AbortSignal = new AbortController().signal,
  { threads = 2, memoryBytes = 512 * 1_048_576 } = {},
): Promise<DuckDbSession> {
  return DuckDbSession.open({ memoryBytes, threads, spillFolder: tmpdir() }, signal);
}
