import type { TableName } from '../../sink.ts';

export type SqlRow = Readonly<Record<string, unknown>>;

/** Runs statements with `?` for each parameter. Fails with CATALOG_*, STORAGE_* or TABLE_NOT_OURS. */
export interface SqlSession {
  rows(sql: string, parameters: readonly string[]): Promise<readonly SqlRow[]>;
  /** How many rows the statement changed. */
  run(sql: string, parameters: readonly string[]): Promise<number>;
}

/** A database that has the tables of `SCHEMA`. */
export interface SqlDatabase extends SqlSession {
  /**
   * Runs `work` in one transaction while no other process is in one for any of these tables. Work that throws leaves
   * everything as it was. An error of the last step leaves it open whether the transaction took effect; the next
   * transaction for these tables begins when that is settled.
   */
  exclusively<T>(tables: readonly TableName[], work: (session: SqlSession) => Promise<T>): Promise<T>;
  close(): void;
}

/**
 * The two tables of PyIceberg's `SqlCatalog` and of Java's `JdbcCatalog` (schema version V1), so that both open the
 * catalog as it is.
 */
export const SCHEMA = [
  `CREATE TABLE IF NOT EXISTS iceberg_tables (
    catalog_name VARCHAR(255) NOT NULL,
    table_namespace VARCHAR(255) NOT NULL,
    table_name VARCHAR(255) NOT NULL,
    metadata_location VARCHAR(1000),
    previous_metadata_location VARCHAR(1000),
    iceberg_type VARCHAR(5),
    PRIMARY KEY (catalog_name, table_namespace, table_name)
  )`,
  `CREATE TABLE IF NOT EXISTS iceberg_namespace_properties (
    catalog_name VARCHAR(255) NOT NULL,
    namespace VARCHAR(255) NOT NULL,
    property_key VARCHAR(255) NOT NULL,
    property_value VARCHAR(1000) NOT NULL,
    PRIMARY KEY (catalog_name, namespace, property_key)
  )`,
] as const;

/** Columns by which a table of that name is known to be a catalog's. */
export const CATALOG_COLUMNS = [
  'catalog_name',
  'table_namespace',
  'table_name',
  'metadata_location',
  'iceberg_type',
] as const;
