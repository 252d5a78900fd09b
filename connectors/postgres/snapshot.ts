import { createHash } from 'node:crypto';
import { fail } from '../../contracts/errors.ts';
import type { HeldSnapshot } from '../connector.ts';
import { postgresError } from './errors.ts';
import type { PostgresSession } from './session.ts';
import { pgText } from './sql.ts';

/** What the server says of an unknown snapshot, and of one of another database. */
const INVALID_SNAPSHOT = new Set(['22023', '42704', '55000', '0A000']);

/**
 * Lets other connections see what this one sees. Its name is the one that the server gave, and a digest of what can be
 * seen: a server that was restarted may give the same name to another moment.
 */
export async function holdSnapshot(session: PostgresSession): Promise<HeldSnapshot> {
  const [row] = await session.rows(`SELECT pg_export_snapshot() AS id, ${VISIBLE} AS visible`);
  return {
    name: `${String(row?.['id'])}@${digest(row?.['visible'])}`,
    lost: session.broken,
    [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
  };
}

/** Of this transaction, in words: lowest and highest transaction, and those that go on. */
const VISIBLE = 'txid_current_snapshot()::text';

/** To be the first thing that a transaction does. Errors: SNAPSHOT_LOST. */
export async function takeSnapshot(session: PostgresSession, name: string): Promise<void> {
  const [id = '', seen] = name.split('@');
  const { client, address } = session;
  try {
    await client.query(`SET TRANSACTION SNAPSHOT ${pgText(id)}`);
    const { rows } = await client.query<{ visible: string }>(`SELECT ${VISIBLE} AS visible`);
    if (digest(rows[0]?.visible) !== seen) throw lost(address.shown);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    throw INVALID_SNAPSHOT.has(code) ? lost(address.shown) : postgresError(error, address.shown);
  }
}

function digest(text: unknown): string {
  return createHash('sha256').update(String(text)).digest('hex').slice(0, 16);
}

function lost(shown: string) {
  return fail('SNAPSHOT_LOST', {
    received: `${shown} no longer has the moment that the run reads at`,
    expected: 'one moment for all of its rows',
    next: 'the object begins again at another one',
  });
}
