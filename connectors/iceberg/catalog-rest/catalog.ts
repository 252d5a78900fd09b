import { z } from 'zod';
import type { TableName } from '../../sink.ts';
import type { Storage } from '../../storage/storage.ts';
import type { Catalog, CommitMoments, MoveOutcome, TableMove } from '../catalog.ts';
import type { TableMetadata, TableVersion } from '../metadata.ts';
import { notOurs } from '../metadata.ts';
import { announceTable, createTable } from './create-table.ts';
import { difference, requirementsOf } from './difference.ts';
import { notProtocol, refused, unanswered } from './errors.ts';
import { NoAnswer } from './http.ts';
import { ENDPOINTS } from './kinds.ts';
import { identifier, label, loadVersion, namespacePath, tablePath } from './load-version.ts';
import type { RestSession } from './session.ts';

const listAnswer = z.object({
  namespaces: z.array(z.array(z.string())).optional(),
  identifiers: z.array(z.object({ name: z.string() })).optional(),
  'next-page-token': z.string().nullish(),
});
/**
 * A catalog behind the Iceberg REST protocol. A table is created in a step of its own, without rows, so that every
 * commit of rows is one to a table that exists: only those can be made to fail by another commit (see `fence.ts`).
 */
export class RestCatalog implements Catalog {
  readonly sharesFiles: boolean;
  readonly #session: RestSession;
  readonly #storage: Storage;

  constructor(session: RestSession, storage: Storage) {
    this.#session = session;
    this.#storage = storage;
    this.sharesFiles = session.kind.hasReferences;
  }

  close(): void {}

  async load(name: TableName): Promise<TableVersion | undefined> {
    const version = await loadVersion(this.#session, this.#storage, name);
    if (version !== undefined) return version;
    if (await this.#isView(name)) throw notOurs(label(name), 'a view of that name');
    return undefined;
  }

  async announce(name: TableName, location: string): Promise<void> {
    if (this.#session.lends) await announceTable(this.#session, this.#storage, name, location);
  }

  async namespaces(): Promise<string[]> {
    const pages = await this.#pages('/namespaces', 'when listing namespaces', []);
    // Tables of a namespace within a namespace cannot be named in a job.
    return pages.flatMap(({ namespaces = [] }) => namespaces.flatMap((levels) => (levels.length === 1 ? levels : [])));
  }

  async tables(namespace: string): Promise<string[]> {
    const doing = `when listing the tables of ${namespace}`;
    // Of a namespace that does not exist nothing can be listed.
    const pages = await this.#pages(`${namespacePath(namespace)}/tables`, doing, [404]);
    return pages.flatMap(({ identifiers = [] }) => identifiers.map(({ name }) => name));
  }

  async commit(moves: readonly TableMove[], { guard, reached }: CommitMoments): Promise<readonly MoveOutcome[]> {
    const missing = moves.filter(({ base }) => base === undefined);
    for (const { name, next } of missing) await createTable(this.#session, this.#storage, name, next);
    // What was prepared for a table that was not there does not fit the one that is there now.
    if (missing.length > 0) return moves.map(() => ({ state: 'created' }));
    const changes = moves.map(changeOf);
    await reached('metadata-written');
    const together = changes.length > 1 && (await this.#session.has(ENDPOINTS.transaction));
    const groups = together ? [changes] : changes.map((change) => [change]);
    const outcomes: MoveOutcome[] = [];
    for (const group of groups) {
      const begun = outcomes.length > 0;
      if (outcomes.some(({ state }) => state !== 'landed'))
        outcomes.push(...group.map((): MoveOutcome => ({ state: 'lost' })));
      else outcomes.push(...(await this.#send(group, { guard, reached }, begun)));
    }
    return outcomes;
  }

  /** One request, which makes one table's move visible, or those of several at once. */
  async #send(
    changes: readonly TableChange[],
    { guard, reached }: CommitMoments,
    begun: boolean,
  ): Promise<readonly MoveOutcome[]> {
    const [first, ...others] = changes;
    const all = (outcome: MoveOutcome) => changes.map(() => outcome);
    const doing = `when committing to ${changes.map(({ move }) => label(move.name)).join(' and ')}`;
    if (first === undefined) return [];
    try {
      await guard();
      await reached('catalog-moving');
    } catch (error) {
      // Once a table has moved, an error must not say that none did.
      if (begun) return all({ state: 'refused', error });
      throw error;
    }
    try {
      const answer =
        others.length === 0
          ? await this.#session.post(tablePath(first.move.name), first.body)
          : await this.#session.post('/transactions/commit', { 'table-changes': changes.map(({ body }) => body) });
      if (answer.status === 200 || answer.status === 204) return all({ state: 'landed' });
      const error = refused(answer, this.#session.address, doing);
      // A conflict may be with the request itself, sent again by something on its way.
      if (answer.status === 409 || answer.status === 404) return await this.#found(changes, { state: 'lost' });
      if (answer.status >= 500) return await this.#found(changes, { state: 'unknown', error });
      return all({ state: 'refused', error });
    } catch (error) {
      const reason = unanswered(error, this.#session.address, doing);
      if (error instanceof NoAnswer && error.mayHaveArrived) {
        return this.#found(changes, { state: 'unknown', error: reason });
      }
      return all({ state: 'refused', error: reason });
    }
  }

  /** Looks for each move in its table, as it is now. One that is not there is what `otherwise` says. */
  async #found(changes: readonly TableChange[], otherwise: MoveOutcome): Promise<readonly MoveOutcome[]> {
    return Promise.all(
      changes.map(async ({ move }): Promise<MoveOutcome> => {
        try {
          const now = await this.load(move.name);
          return now !== undefined && isIn(move, now.metadata) ? { state: 'landed' } : otherwise;
        } catch (error) {
          return { state: 'unknown', error };
        }
      }),
    );
  }

  async #isView(name: TableName): Promise<boolean> {
    if (!(await this.#session.has(ENDPOINTS.view))) return false;
    const path = `${namespacePath(name.namespace)}/views/${encodeURIComponent(name.table)}`;
    return (await this.#session.get(path, `when looking for a view ${label(name)}`)).status === 200;
  }

  /** All pages of a list, none after an answer of a status in `empty`. */
  async #pages(path: string, doing: string, empty: readonly number[]): Promise<z.output<typeof listAnswer>[]> {
    const pages = [];
    let pageToken: string | null | undefined = '';
    do {
      const answer = await this.#session.get(path, doing, { pageToken });
      if (empty.includes(answer.status)) return pages;
      if (answer.status !== 200) throw refused(answer, this.#session.address, doing);
      const parsed = listAnswer.safeParse(answer.body);
      if (!parsed.success) throw notProtocol(this.#session.address, doing);
      pages.push(parsed.data);
      pageToken = parsed.data['next-page-token'];
    } while (pageToken !== undefined && pageToken !== null && pageToken !== '');
    return pages;
  }
}

function isIn({ base, next, isIn: recognised }: TableMove, now: TableMetadata): boolean {
  if (recognised !== undefined) return recognised(now);
  const id = next['current-snapshot-id'];
  const isNew = id !== base?.metadata['current-snapshot-id'];
  return isNew && now.snapshots.some((snapshot) => snapshot['snapshot-id'] === id);
}

interface TableChange {
  readonly move: TableMove;
  readonly body: object;
}

function changeOf(move: TableMove): TableChange {
  const { name, base, next } = move;
  if (base === undefined) throw new RangeError('a table is created before it is changed');
  const requirements = requirementsOf(base.metadata, next);
  return { move, body: { ...identifier(name), requirements, updates: difference(base.metadata, next) } };
}
