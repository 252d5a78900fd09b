import type { ConnectorContext } from '../connectors/connector.ts';
import { DuckDbSession } from '../connectors/duckdb/session.ts';
import type { ActivityDependencies } from './dependencies.ts';

const NEVER = new AbortController().signal;

/** Progress comes with every 2048 rows; each report to Temporal costs as much as reading a thousand of them. */
const HEARTBEAT_EVERY_MS = 200;

/** What one piece of work holds while it runs: a scratch folder, the signal that ends it, DuckDB when it asks for it. */
export interface WorkScope extends AsyncDisposable {
  readonly connector: ConnectorContext;
  /** Tells Temporal how far the work is; without it a lost worker cannot be told from a slow one. */
  heartbeat(details: unknown): void;
  /** One session for the whole piece of work. */
  session(): Promise<DuckDbSession>;
}

export interface ScopeOptions {
  /** How often this piece of work was begun, where that is not how often the activity was. */
  readonly tries?: number;
  /** The moment at which the source is read. */
  readonly snapshot?: string | undefined;
}

export async function openScope(
  deps: ActivityDependencies,
  { tries, snapshot }: ScopeOptions = {},
): Promise<WorkScope> {
  const context = deps.context();
  const signal = context?.cancellationSignal ?? NEVER;
  const scratch = await deps.openScratchFolder();
  let session: DuckDbSession | undefined;
  let latest: unknown;
  let toldAt = -Infinity;
  const tell = () => {
    const now = performance.now();
    if (now - toldAt < HEARTBEAT_EVERY_MS) return;
    toldAt = now;
    context?.heartbeat(latest);
  };
  return {
    connector: {
      signal,
      scratchFolder: scratch.path,
      attempt: tries ?? context?.info.attempt ?? 1,
      onProgress: tell,
      ...(snapshot === undefined ? {} : { snapshot }),
    },
    heartbeat(details) {
      latest = details;
      tell();
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
