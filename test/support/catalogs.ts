import { randomUUID } from 'node:crypto';
import path from 'node:path';
import type { MergeRule } from '../../connectors/duckdb/merge-sql.ts';
import type { CatalogProvider } from '../../connectors/iceberg/catalog.ts';
import type { Lake } from '../../connectors/iceberg/open-catalog.ts';
import { catalogOf } from '../../connectors/iceberg/open-catalog.ts';
import { IcebergReader } from '../../connectors/iceberg/reader.ts';
import type { IcebergSinkOptions } from '../../connectors/iceberg/sink.ts';
import { IcebergSink } from '../../connectors/iceberg/sink.ts';
import type { CommitReceipt, TableName } from '../../connectors/sink.ts';
import { LocalStorage, localUri } from '../../connectors/storage/local.ts';
import { S3Storage } from '../../connectors/storage/s3.ts';
import type { CatalogSpec } from '../../contracts/job-catalog.ts';
import { catalogSchema } from '../../contracts/job-catalog.ts';
import type { StreamSchema } from '../../contracts/schema.ts';
import { temporaryFolder } from './duckdb.ts';
import type { Judge, JudgedLake } from './judge.ts';
import type { Staged, StagedMerge } from './lake.ts';
import { TestLake } from './lake.ts';
import type { NessieServer } from './nessie.ts';
import type { S3Server } from './s3.ts';

/** A catalog as a test of the laws that hold for all of them needs it. */
export interface CatalogUnderTest {
  readonly lake: Lake;
  readonly spec: CatalogSpec;
  /** What PyIceberg calls the catalog's properties. */
  readonly pyiceberg: Readonly<Record<string, string>>;
}

/** Gives each lake a catalog, or a place in one. */
export type CatalogKind = (folder: string) => Promise<CatalogUnderTest>;

export const sqlite: CatalogKind = async (folder) => {
  const uri = path.join(folder, 'elsewhere.db');
  return {
    lake: localLake(folder),
    spec: catalogSchema.parse({ uri, name: 'tests' }),
    pyiceberg: { name: 'tests', type: 'sql', uri: `sqlite:///${uri}`, warehouse: localUri(folder) },
  };
};

export function postgres(database: () => Promise<string>): CatalogKind {
  return async (folder) => {
    const uri = await database();
    return {
      lake: localLake(folder),
      spec: catalogSchema.parse({ type: 'sql', uri }),
      pyiceberg: { type: 'sql', uri: uri.replace(/^postgresql:/, 'postgresql+psycopg2:'), warehouse: localUri(folder) },
    };
  };
}

/** The same catalog for a lake in an object store. */
export function inObjectStore(kind: CatalogKind, server: () => S3Server): CatalogKind {
  return async (folder) => {
    const catalog = await kind(folder);
    const warehouse = `s3://${await server().bucket()}/some/lake`;
    return {
      ...catalog,
      lake: { storage: new S3Storage(server().settings), warehouse },
      pyiceberg: { ...catalog.pyiceberg, warehouse, ...s3Properties(server()) },
    };
  };
}

/** Tables of the REST catalog in the lake's own folder. */
export function rest(uri: () => string): CatalogKind {
  return async (folder) => ({
    lake: localLake(folder),
    spec: catalogSchema.parse({ type: 'rest', uri: uri() }),
    pyiceberg: { type: 'rest', uri: uri() },
  });
}

export function nessie(server: () => NessieServer, s3: () => S3Server): CatalogKind {
  return async () => ({
    lake: { storage: new S3Storage(s3().settings), warehouse: server().warehouse },
    spec: catalogSchema.parse({ type: 'nessie', uri: server().uri }),
    pyiceberg: { type: 'rest', uri: server().uri, ...s3Properties(s3()) },
  });
}

/** How PyIceberg is told to reach an object store. */
export function s3Properties({
  endpoint,
  region,
  accessKeyId,
  secretAccessKey,
}: S3Server): Readonly<Record<string, string>> {
  return {
    's3.endpoint': endpoint,
    's3.region': region,
    's3.access-key-id': accessKeyId,
    's3.secret-access-key': secretAccessKey,
  };
}

export function localLake(folder: string): Lake {
  return { storage: new LocalStorage(), warehouse: localUri(folder) };
}

type WriteOptions = NonNullable<Parameters<TestLake['stage']>[3]>;

/** A lake with one catalog, in a namespace that is its alone. */
export class CatalogLake implements AsyncDisposable {
  readonly namespace = `shop_${randomUUID().slice(0, 8)}`;
  readonly provider: CatalogProvider;
  readonly judged: JudgedLake;
  readonly lake: TestLake;
  readonly #catalog: CatalogUnderTest;
  readonly #stack: AsyncDisposableStack;

  private constructor(lake: TestLake, catalog: CatalogUnderTest, judge: Judge, stack: AsyncDisposableStack) {
    this.lake = lake;
    this.#catalog = catalog;
    this.provider = catalogOf(catalog.spec, catalog.lake);
    this.judged = judge.ofCatalog(catalog.pyiceberg);
    this.#stack = stack;
  }

  static async create(kind: CatalogKind, judge: Judge): Promise<CatalogLake> {
    await using stack = new AsyncDisposableStack();
    const folder = stack.use(await temporaryFolder());
    const catalog = await kind(folder.path);
    const makeSink = (options: IcebergSinkOptions) =>
      new IcebergSink({ ...options, catalog: catalogOf(catalog.spec, catalog.lake) });
    const lake = stack.use(await TestLake.create(makeSink, catalog.lake));
    return new CatalogLake(lake, catalog, judge, stack.move());
  }

  /** What PyIceberg calls the catalog's properties. */
  get pyiceberg(): Readonly<Record<string, string>> {
    return this.#catalog.pyiceberg;
  }

  /** Another process's sink on the same lake. */
  sink(options: Pick<IcebergSinkOptions, 'reached'> & { readonly provider?: CatalogProvider } = {}): IcebergSink {
    const { provider, ...rest } = options;
    const catalog = provider ?? catalogOf(this.#catalog.spec, this.#catalog.lake);
    const sink = new IcebergSink({ ...this.#catalog.lake, ...rest, catalog });
    this.#stack.defer(() => sink.close());
    return sink;
  }

  async reader(): Promise<IcebergReader> {
    return IcebergReader.open(this.#catalog.lake.storage, this.#catalog.lake.warehouse, this.provider);
  }

  name(table: string): TableName {
    return { namespace: this.namespace, table };
  }

  /** As PyIceberg says it. */
  label(table: string): string {
    return `${this.namespace}.${table}`;
  }

  stage(table: string, schema: StreamSchema, select: string, options: WriteOptions = {}): Promise<Staged> {
    return this.lake.stage(table, schema, select, { namespace: this.namespace, ...options });
  }

  write(
    table: string,
    schema: StreamSchema,
    select: string,
    options: WriteOptions = {},
  ): Promise<CommitReceipt & { readonly runId: string }> {
    return this.lake.write(table, schema, select, { namespace: this.namespace, ...options });
  }

  stageMerge(
    table: string,
    schema: StreamSchema,
    select: string,
    rule: MergeRule,
    options: WriteOptions = {},
  ): Promise<StagedMerge> {
    return this.lake.stageMerge(table, schema, select, rule, { namespace: this.namespace, ...options });
  }

  /** The numbers in a table's column `n`, in order, as PyIceberg reads them. */
  async numbers(table: string): Promise<number[]> {
    const rows = await this.judged.rows(this.label(table));
    return rows.map((row) => Number(row['n'])).toSorted((a, b) => a - b);
  }

  /** Files below a table's folder, by their place in it. */
  async files(table: string): Promise<string[]> {
    const { storage, warehouse } = this.#catalog.lake;
    const folder = `${warehouse}/${this.namespace}/${table}/`;
    return (await storage.list(folder)).map(({ uri }) => uri.slice(folder.length)).toSorted();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}
