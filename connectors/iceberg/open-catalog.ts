import { existsSync } from 'node:fs';
import { fail } from '../../contracts/errors.ts';
import type { CatalogSpec } from '../../contracts/job-catalog.ts';
import { EMBEDDED_CATALOG_FILE, EMBEDDED_CATALOG_NAME } from '../../contracts/job-catalog.ts';
import { localPath } from '../storage/local.ts';
import type { Storage } from '../storage/storage.ts';
import { inFolder } from '../storage/storage.ts';
import type { CatalogProvider } from './catalog.ts';
import { RestCatalog } from './catalog-rest/catalog.ts';
import { restSession } from './catalog-rest/session.ts';
import { SqlCatalog } from './catalog-sql/catalog.ts';
import { SqliteDatabase } from './catalog-sql/sqlite.ts';
import { checkLake, claimLake } from './lake.ts';

/** The lake that a catalog belongs to. */
export interface Lake {
  readonly storage: Storage;
  /** URI of its folder. */
  readonly warehouse: string;
}

/** Settings with absolute paths and resolved variables, and how to resolve them again. */
type Settings = readonly [spec: CatalogSpec, lake: Lake, reread: () => Promise<CatalogSpec>];

/** How each type of `target.catalog` is reached. */
const PROVIDERS: Partial<Record<CatalogSpec['type'], (...settings: Settings) => CatalogProvider>> = {
  sqlite: ({ name, uri }, lake) => sqliteCatalog(lake, name, uri),
  sql: ({ name, uri }, lake, reread) =>
    uri !== undefined && POSTGRES.test(uri)
      ? postgresCatalog(lake, name, uri, async () => (await reread()).uri ?? uri)
      : sqliteCatalog(lake, name, uri),
  rest: restCatalog,
  nessie: restCatalog,
  polaris: restCatalog,
  lakekeeper: restCatalog,
};

/** Other Iceberg tools are Python and name the driver too. */
const POSTGRES = /^postgres(?:ql)?(?:\+\w+)?:\/\//;

/** The catalog that a job names. `reread` gives its settings as they are now: secrets are replaced at times. */
export function catalogOf(
  spec: CatalogSpec,
  lake: Lake,
  reread: () => Promise<CatalogSpec> = async () => spec,
): CatalogProvider {
  const provider = PROVIDERS[spec.type];
  if (provider !== undefined) return provider(spec, lake, reread);
  throw fail('NOT_AVAILABLE_YET', {
    received: `target.catalog.type: ${spec.type}`,
    expected: `one of ${Object.keys(PROVIDERS).join(', ')}`,
    next: 'use another catalog',
  });
}

/** The catalog of a lake whose job names none: a file in its folder. */
export function embeddedCatalog(lake: Lake): CatalogProvider {
  return sqliteCatalog(lake, EMBEDDED_CATALOG_NAME);
}

/** `path` is absolute. Default: a file in the lake's folder. */
function sqliteCatalog({ storage, warehouse }: Lake, name: string, path?: string): CatalogProvider {
  const file = () => path ?? localPath(inFolder(warehouse, EMBEDDED_CATALOG_FILE));
  const open = async () => new SqlCatalog({ storage, database: await SqliteDatabase.open(file()), name });
  return {
    async find() {
      await checkLake(storage, warehouse);
      return existsSync(file()) ? open() : undefined;
    },
    async open() {
      await claimLake(storage, warehouse);
      return open();
    },
  };
}

function postgresCatalog(
  { storage, warehouse }: Lake,
  name: string,
  uri: string,
  reread: () => Promise<string>,
): CatalogProvider {
  const connect = async () => {
    // Most lakes have another catalog, and need no driver.
    const { PostgresDatabase } = await import('./catalog-sql/postgres.ts');
    const plain = (address: string) => address.replace(POSTGRES, 'postgresql://');
    return new PostgresDatabase(plain(uri), async () => plain(await reread()));
  };
  return {
    async find() {
      await checkLake(storage, warehouse);
      const database = await connect();
      return (await database.isCatalog()) ? new SqlCatalog({ storage, database, name }) : undefined;
    },
    async open() {
      await claimLake(storage, warehouse);
      const database = await connect();
      await database.prepare();
      return new SqlCatalog({ storage, database, name });
    },
  };
}

function restCatalog(...[spec, { storage, warehouse }, reread]: Settings): CatalogProvider {
  const catalog = () => new RestCatalog(restSession(spec, reread), storage);
  return {
    async find() {
      await checkLake(storage, warehouse);
      return catalog();
    },
    async open() {
      await claimLake(storage, warehouse);
      return catalog();
    },
  };
}
