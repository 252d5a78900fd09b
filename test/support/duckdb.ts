import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DuckDbSession } from '../../connectors/duckdb/session.ts';

/** A folder of its own for one test; removed at the end of its scope. */
export async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'dativo-test-'));
  return { path: folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}

/** A small DuckDB of its own for one test, with a scratch folder that goes with it. */
export async function openSession(
  signal: AbortSignal = new AbortController().signal,
  { threads = 2, memoryBytes = 512 * 1_048_576 } = {},
): Promise<DuckDbSession> {
  const folder = await temporaryFolder();
  const session = await DuckDbSession.open({ memoryBytes, threads, spillFolder: folder.path }, signal);
  const close = session[Symbol.asyncDispose].bind(session);
  session[Symbol.asyncDispose] = async () => {
    await close();
    await folder[Symbol.asyncDispose]();
  };
  return session;
}
