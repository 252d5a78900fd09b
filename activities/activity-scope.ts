import type { ConnectorContext } from '../connectors/connector.ts';
import { DuckDbSession } from '../connectors/duckdb/session.ts';
import type { ActivityDependencies } from './dependencies.ts';

const NEVER = new AbortController().signal;

/** What one piece of work holds while it runs: a scratch folder, the signal that ends it, DuckDB when it asks for it. */
export interface WorkScope extends AsyncDisposable {
  readonly connector: ConnectorContext;
  /** Tells Temporal how far the work is; without it a lost worker cannot be told from a slow one. */
  heartbeat(details: unknown): void;
  /** One session for the whole piece of work. */
  session(): Promise<DuckDbSession>;
}

export async function openScope(deps: ActivityDependencies): Promise<WorkScope> {
  const context = deps.context();
  const signal = context?.cancellationSignal ?? NEVER;
  const scratch = await deps.openScratchFolder();
  let session: DuckDbSession | undefined;
  let latest: unknown;
  return {
    connector: {
      signal,
      scratchFolder: scratch.path,
      attempt: context?.info.attempt ?? 1,
      onProgress: () => context?.heartbeat(latest),
    },
    heartbeat(details) {
      latest = details;
      context?.heartbeat(details);
    },
    async session() {
      session ??= await DuckDbSession.open(deps.budget(scratch.path), signal);
      return session;
    },
    async [Symbol.asyncDispose]() {
      await session?.[Symbol.asyncDispose]();
      await scratch[Symbol.asyncDispose]();
    },
  };
}
