import type { SourceSettings } from '../source-settings.ts';

/** What a connection to a database is opened with. */
export interface SessionSettings {
  readonly connection: string | undefined;
  /** The connection as it is now, where it can change while a run is on. */
  readonly reread?: (() => Promise<string | undefined>) | undefined;
  readonly statementTimeoutSeconds: number;
  readonly lockTimeoutSeconds: number;
}

export function sessionSettings({ source, rereadConnection }: SourceSettings): SessionSettings {
  return {
    connection: source.connection,
    reread: rereadConnection,
    statementTimeoutSeconds: source.statement_timeout_seconds,
    lockTimeoutSeconds: source.lock_timeout_seconds,
  };
}
