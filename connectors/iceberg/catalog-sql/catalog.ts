import type { TableName } from '../../sink.ts';
import type { Storage } from '../../storage/storage.ts';
import type { Catalog, CommitMoments, MoveOutcome, TableMove } from '../catalog.ts';
import { metadataFileName } from '../commit-names.ts';
import { writeJson } from '../json.ts';
import type { TableVersion } from '../metadata.ts';
import { notOurs, readMetadata } from '../metadata.ts';
import type { SqlDatabase, SqlSession } from './database.ts';

/** A catalog's entry for one table. */
interface Pointer {
  readonly metadataLocation: string | null;
  readonly kind: string | null;
}

/** A move whose metadata file is written. */
interface PointerMove extends TableName {
  readonly from: string | undefined;
  readonly to: string;
}

export interface SqlCatalogOptions {
  readonly storage: Storage;
  readonly database: SqlDatabase;
  /** The catalog's name inside of the database, which may hold several. */
  readonly name: string;
}

/** A catalog that keeps the name of each table's current metadata file in a SQL database. */
export class SqlCatalog implements Catalog {
  readonly #storage: Storage;
  readonly #database: SqlDatabase;
  readonly #name: string;

  constructor({ storage, database, name }: SqlCatalogOptions) {
    this.#storage = storage;
    this.#database = database;
    this.#name = name;
  }

  close(): void {
    this.#database.close();
  }

  async load(name: TableName): Promise<TableVersion | undefined> {
    const pointer = await this.#pointer(this.#database, name);
    if (pointer === undefined) return undefined;
    const label = `${name.namespace}.${name.table}`;
    // Catalogs of the older layout have no kind; everything in them is a table.
    if (pointer.kind !== null && pointer.kind !== 'TABLE') throw notOurs(label, 'a view of that name');
    if (pointer.metadataLocation === null) throw notOurs(label, 'a catalog entry without a metadata file');
    return readMetadata(this.#storage, pointer.metadataLocation, label);
  }

  async namespaces(): Promise<string[]> {
    return this.#texts(
      `SELECT namespace AS name FROM iceberg_namespace_properties WHERE catalog_name = ?
       UNION SELECT table_namespace FROM iceberg_tables WHERE catalog_name = ? ORDER BY name`,
      [this.#name, this.#name],
    );
  }

  async tables(namespace: string): Promise<string[]> {
    return this.#texts(
      `SELECT table_name AS name FROM iceberg_tables
       WHERE catalog_name = ? AND table_namespace = ? AND coalesce(iceberg_type, 'TABLE') = 'TABLE' ORDER BY name`,
      [this.#name, namespace],
    );
  }

  async commit(moves: readonly TableMove[], { guard, reached }: CommitMoments): Promise<readonly MoveOutcome[]> {
    const pointers: PointerMove[] = [];
    for (const { name, base, next, files } of moves) {
      const file = metadataFileName(base?.location, files.uuid);
      pointers.push({ ...name, from: base?.location, to: await files.write(file, writeJson(next)) });
    }
    await reached('metadata-written');
    const all = (outcome: MoveOutcome) => moves.map(() => outcome);
    try {
      await this.#database.exclusively(pointers, async (session) => {
        await guard();
        for (const pointer of pointers) if (!(await this.#move(session, pointer))) throw new LostRace();
        await reached('catalog-moving');
      });
      return all({ state: 'landed' });
    } catch (error) {
      if (error instanceof LostRace) return all({ state: 'lost' });
      const landed = await this.#landed(pointers);
      if (landed === undefined) return all({ state: 'unknown', error });
      return all(landed ? { state: 'landed' } : { state: 'refused', error });
    }
  }

  /** Every commit's guard runs inside of the transaction. */
  async settle(names: readonly TableName[]): Promise<void> {
    await this.#database.exclusively(names, async () => undefined);
  }

  /** Compare and swap; false if another writer was faster. */
  async #move(session: SqlSession, { namespace, table, from, to }: PointerMove): Promise<boolean> {
    if (from !== undefined) {
      const changed = await session.run(
        `UPDATE iceberg_tables SET metadata_location = ?, previous_metadata_location = ?
         WHERE catalog_name = ? AND table_namespace = ? AND table_name = ? AND metadata_location = ?`,
        [to, from, this.#name, namespace, table, from],
      );
      return changed === 1;
    }
    await session.run(
      `INSERT INTO iceberg_namespace_properties VALUES (?, ?, 'exists', 'true') ON CONFLICT DO NOTHING`,
      [this.#name, namespace],
    );
    const inserted = await session.run(
      `INSERT INTO iceberg_tables
       (catalog_name, table_namespace, table_name, metadata_location, previous_metadata_location, iceberg_type)
       VALUES (?, ?, ?, ?, NULL, 'TABLE') ON CONFLICT DO NOTHING`,
      [this.#name, namespace, table, to],
    );
    return inserted === 1;
  }

  /** What the database itself says about moves that ended in an error; undefined if it does not answer. */
  async #landed(moves: readonly PointerMove[]): Promise<boolean | undefined> {
    try {
      // In a transaction of its own, which waits for the one that ended in the error.
      return await this.#database.exclusively(moves, async (session) => {
        for (const move of moves) {
          if ((await this.#pointer(session, move))?.metadataLocation !== move.to) return false;
        }
        return true;
      });
    } catch {
      return undefined;
    }
  }

  async #pointer(session: SqlSession, { namespace, table }: TableName): Promise<Pointer | undefined> {
    const [row] = await session.rows(
      `SELECT metadata_location, iceberg_type FROM iceberg_tables
       WHERE catalog_name = ? AND table_namespace = ? AND table_name = ?`,
      [this.#name, namespace, table],
    );
    return row === undefined
      ? undefined
      : { metadataLocation: textOrNull(row['metadata_location']), kind: textOrNull(row['iceberg_type']) };
  }

  async #texts(sql: string, parameters: readonly string[]): Promise<string[]> {
    const rows = await this.#database.rows(sql, parameters);
    return rows.flatMap((row) => textOrNull(row['name']) ?? []);
  }
}

class LostRace extends Error {}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
