import { pythonWith } from './python-environment.ts';

/** The judges, at the versions that the figures in the documentation were made with. */
const PACKAGES = [
  'pyiceberg[sql-sqlite,sql-postgres,pyarrow,pyiceberg-core]==0.12.*',
  'duckdb==1.5.5',
  'duckdb-extension-iceberg==1.5.5',
  'duckdb-extension-avro==1.5.5',
];

/** The Python interpreter that has the judges. */
export function testPython(): Promise<string> {
  return pythonWith({
    name: 'python',
    packages: PACKAGES,
    purpose: 'to let PyIceberg judge what was written',
    variable: 'DATIVO_TEST_PYTHON',
  });
}
