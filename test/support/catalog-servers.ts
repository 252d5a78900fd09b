import path from 'node:path';
import { artifactAlone, java21, withDependencies } from './java.ts';

/** What has to be downloaded to run catalog servers and the Java reader; done once on a machine. */

const ICEBERG = '1.11.0';
/** The last version of Nessie whose runner is in Maven's repository. */
const NESSIE = '0.99.0';

const ICEBERG_ARTIFACTS = [
  `org.apache.iceberg:iceberg-open-api:${ICEBERG}:test-fixtures`,
  `org.apache.iceberg:iceberg-core:${ICEBERG}`,
  `org.apache.iceberg:iceberg-core:${ICEBERG}:tests`,
  `org.apache.iceberg:iceberg-aws:${ICEBERG}`,
  `org.apache.iceberg:iceberg-aws-bundle:${ICEBERG}`,
  'org.apache.hadoop:hadoop-client-api:3.4.1',
  'org.apache.hadoop:hadoop-client-runtime:3.4.1',
  'org.eclipse.jetty.ee10:jetty-ee10-servlet:12.1.10',
  'org.eclipse.jetty.compression:jetty-compression-server:12.1.10',
  'org.eclipse.jetty.compression:jetty-compression-gzip:12.1.10',
  'org.xerial:sqlite-jdbc:3.46.1.3',
  'org.slf4j:slf4j-simple:2.0.17',
];

const READER_ARTIFACTS = [
  `org.apache.iceberg:iceberg-core:${ICEBERG}`,
  `org.apache.iceberg:iceberg-data:${ICEBERG}`,
  `org.apache.iceberg:iceberg-parquet:${ICEBERG}`,
  // The library loads all formats or none.
  `org.apache.iceberg:iceberg-orc:${ICEBERG}`,
  'org.apache.hadoop:hadoop-client-api:3.4.1',
  'org.apache.hadoop:hadoop-client-runtime:3.4.1',
  'org.xerial:sqlite-jdbc:3.46.1.3',
  'org.slf4j:slf4j-simple:2.0.17',
];

/** Folder of the classes that read tables. */
export function prepareIcebergReader(): Promise<string> {
  return withDependencies(`iceberg-reader-${ICEBERG}`, READER_ARTIFACTS);
}

/** Folder of the classes of Apache's REST catalog. */
export function prepareIcebergRest(): Promise<string> {
  return withDependencies(`iceberg-rest-${ICEBERG}`, ICEBERG_ARTIFACTS);
}

export async function prepareNessie(): Promise<{ readonly java: string; readonly jar: string }> {
  const artifact = `org.projectnessie.nessie:nessie-quarkus:${NESSIE}:jar:runner`;
  const folder = await artifactAlone(`nessie-${NESSIE}`, artifact);
  return { java: await java21(), jar: path.join(folder, `nessie-quarkus-${NESSIE}-runner.jar`) };
}
