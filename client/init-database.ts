import path from 'node:path';
import { assetFromFile } from '../config/job-paths.ts';
import { parseColumnType } from '../contracts/column-type-names.ts';
import type { DiscoveredObject } from '../contracts/discovery.ts';
import { fail } from '../contracts/errors.ts';
import { formatPlural } from '../contracts/figures.ts';
import { tableOfObject } from '../contracts/ids.ts';
import { tableName } from '../contracts/job-fields.ts';
import { nearest } from '../contracts/nearest.ts';
import type { Column } from '../contracts/schema.ts';
import { contractFileText, jobFileText, provisionalJob } from './init-files.ts';
import type { InitPlan, InitRequest } from './init-plan.ts';
import { placesOf } from './init-plan.ts';
import { usage } from './usage.ts';

const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** Columns that by their names tell when a row was changed. */
const CURSORS = ['updated_at', 'modified_at', 'changed_at', 'last_modified', 'updated_on', 'modified_on'];
const TIMES = ['timestamp', 'timestamptz'];
const FALLBACK = 'database';

interface DatabaseKind {
  readonly address: string;
  /** Whether the first part of `sales.orders` is a schema of the database, and not another database. */
  readonly hasSchemas: boolean;
}

const KINDS = {
  postgres: { address: 'postgresql://user:password@host:5432/database', hasSchemas: true },
  mysql: { address: 'mysql://user:password@host:3306/database', hasSchemas: false },
} as const satisfies Readonly<Record<string, DatabaseKind>>;

/** A job and a contract for the tables of a database, from its catalog. */
export async function initDatabase(
  connector: keyof typeof KINDS,
  { from, asset: named, out, objects, schema, env }: InitRequest,
): Promise<InitPlan> {
  const kind: DatabaseKind = KINDS[connector];
  if (schema !== undefined && !kind.hasSchemas) {
    throw usage(`--schema for ${connector}`, 'objects such as other.orders', 'name them so in --objects');
  }
  const variable = from.replace(/^\$\{(.*)\}$/, '$1');
  if (!VARIABLE.test(variable)) {
    throw usage(
      'an address of a database on the command line (not shown)',
      'the name of a variable that holds it, since it has a password',
      `set the variable, for example SHOP_DATABASE, and write \`dativo init ${connector} SHOP_DATABASE\``,
    );
  }
  const address = env[variable];
  if (address === undefined || address === '') {
    throw fail('VARIABLE_UNSET', {
      received: `the variable ${variable}, which is not set`,
      expected: `the address of the database in it, ${kind.address}`,
      next: 'set it, here and where the job will run',
    });
  }
  const asset = named ?? assetOf(objects, address);
  const { jobFile, folder, contract } = placesOf(asset, out);
  const written = { connection: `\${${variable}}`, ...(schema === undefined ? {} : { schema }) };
  return {
    asset,
    jobFile,
    contractFile: path.join(folder, contract),
    write: async () => {
      const { discoverSource } = await import('../worker/dry-run.ts');
      const provisional = { folder, name: path.basename(jobFile), connector, source: written };
      const found = await discoverSource(provisionalJob(asset, provisional), env);
      const chosen = chooseObjects(found, objects, kind);
      const elements = chosen.map(({ name, columns, primaryKey }) => ({
        name: chosen.length === 1 ? asset : tableOfObject(name),
        columns: columns.flatMap(columnOf),
        primaryKey,
      }));
      const cursor = commonCursor(chosen);
      const source = {
        ...written,
        objects: chosen.map(({ name }) => name),
        ...(cursor === undefined ? {} : { incremental: { strategy: 'updated_after', cursor_field: cursor } }),
      };
      const target = { write_mode: cursor === undefined ? 'overwrite' : 'upsert' };
      return {
        job: jobFileText({ connector, asset, source, contract, target }),
        contract: contractFileText(asset, elements),
        columns: elements.flatMap(({ columns }) => columns),
        notes: [
          formatPlural(chosen.length, 'object'),
          cursor === undefined
            ? 'every run reads everything and replaces the tables: not all of them have a key and a column such as updated_at'
            : `runs read rows with a newer ${cursor}, and replace rows by their primary key`,
        ],
      };
    },
  };
}

function assetOf(objects: readonly string[], address: string): string {
  const [only, ...others] = objects;
  if (only !== undefined && others.length === 0) return tableOfObject(only);
  const database = URL.canParse(address) ? decodeURIComponent(new URL(address).pathname.slice(1)) : '';
  const name = assetFromFile(database);
  return tableName().safeParse(name).success ? name : FALLBACK;
}

/** Those that were named, else every table that can be brought in. Errors: USAGE, SOURCE_NOT_FOUND. */
function chooseObjects(
  found: readonly DiscoveredObject[],
  names: readonly string[],
  { hasSchemas }: DatabaseKind,
): readonly DiscoveredObject[] {
  const able = found.filter(({ hindrance }) => hindrance === undefined);
  const chosen =
    names.length === 0
      ? able.filter(({ name, kind }) => kind.endsWith('table') && (hasSchemas || !name.includes('.')))
      : names.map((name) => {
          const object = able.find((candidate) => candidate.name === name);
          if (object !== undefined) return object;
          const near = nearest(
            name,
            able.map((candidate) => candidate.name),
          );
          throw usage(
            `--objects ${name}, which cannot be brought in`,
            'a table or view of the database',
            near === undefined ? 'correct the name' : `write ${near} in its place`,
          );
        });
  if (chosen.length > 0) return chosen;
  throw fail('SOURCE_NOT_FOUND', {
    received: 'a database without any table that this user can read',
    expected: 'at least one',
    next: 'GRANT SELECT on some to the user, or name views with --objects',
  });
}

function columnOf({ name, type }: DiscoveredObject['columns'][number]): Column[] {
  const parsed = parseColumnType(type);
  return parsed === undefined ? [] : [{ name, type: parsed, required: false }];
}

/** A column that all of them have, by which their rows can be told to be newer; all need a key to be replaced by. */
function commonCursor(objects: readonly DiscoveredObject[]): string | undefined {
  if (objects.some(({ primaryKey }) => primaryKey.length === 0)) return undefined;
  return CURSORS.find((cursor) =>
    objects.every(({ columns }) => columns.some(({ name, type }) => name === cursor && TIMES.includes(type))),
  );
}
