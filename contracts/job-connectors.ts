/** A system that a job can name, and whether this version can work with it. */
export interface ConnectorEntry {
  readonly title: string;
  readonly available: boolean;
  /** A database that is asked in its own language. */
  readonly database?: boolean;
  /** A database that lets several connections read at one moment, so that all objects of a run do. */
  readonly holdsSnapshot?: boolean;
}

const planned = (title: string): ConnectorEntry => ({ title, available: false });

/** Values of `source_connector`. */
export const SOURCE_CONNECTORS: Readonly<Record<string, ConnectorEntry>> = {
  csv: { title: 'CSV files', available: true },
  markdown_kv: planned('Markdown key-value files'),
  s3: planned('Files on S3'),
  postgres: { title: 'PostgreSQL', available: true, database: true, holdsSnapshot: true },
  mysql: { title: 'MySQL and MariaDB', available: true, database: true },
  mongodb: planned('MongoDB'),
  snowflake: planned('Snowflake'),
  bigquery: planned('BigQuery'),
  redshift: planned('Amazon Redshift'),
  databricks: planned('Databricks SQL'),
  kafka: planned('Apache Kafka'),
  debezium: planned('Debezium change events'),
  stripe: planned('Stripe'),
  hubspot: planned('HubSpot'),
  salesforce: planned('Salesforce'),
  zendesk: planned('Zendesk'),
  github: planned('GitHub'),
  confluence: planned('Confluence'),
  google_drive_csv: planned('CSV files on Google Drive'),
  google_sheets: planned('Google Sheets'),
  aws_cost_explorer: planned('AWS Cost Explorer'),
  gcp_billing: planned('Google Cloud billing export'),
  azure_cost: planned('Azure Cost Management'),
  kubernetes: planned('Kubernetes metrics'),
};

/** Values of `target_connector`. */
export const TARGET_CONNECTORS = ['iceberg', 'parquet'] as const;
export type TargetConnector = (typeof TARGET_CONNECTORS)[number];

export function isDatabase(connector: string): boolean {
  return Object.hasOwn(SOURCE_CONNECTORS, connector) && SOURCE_CONNECTORS[connector]?.database === true;
}

/** Whether a run of such a source holds a snapshot. */
export function holdsSnapshot(connector: string): boolean {
  return Object.hasOwn(SOURCE_CONNECTORS, connector) && SOURCE_CONNECTORS[connector]?.holdsSnapshot === true;
}

/** Names of the sources that this version can work with. */
export function availableSources(): string[] {
  return Object.entries(SOURCE_CONNECTORS)
    .filter(([, entry]) => entry.available)
    .map(([name]) => name);
}
