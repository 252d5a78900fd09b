import { z } from 'zod';
import type { DuckDbSession } from '../../connectors/duckdb/session.ts';
import { literal } from '../../connectors/duckdb/sql.ts';
import type { ErrorParts } from '../../contracts/errors.ts';
import { fail } from '../../contracts/errors.ts';
import { BLANK, EXAMPLE, notAQuery, severalStatements, syntaxError } from './refused-statement.ts';

/** What a text of SQL asks. Nothing else is ever run: a query only reads. */
export type Question =
  /** `SHOW TABLES`, which is about the lake rather than about DuckDB. */
  | { readonly kind: 'tables' }
  | {
      readonly kind: 'query';
      /** Everything that is named where a table may be, as its parts: also common table expressions and files. */
      readonly names: readonly (readonly string[])[];
      /** It looks at catalogs (`SHOW ALL TABLES`, `information_schema`), where every table of the lake should be. */
      readonly ofCatalog: boolean;
      /** It asks for columns and types alone, so that no data file has to be opened. */
      readonly ofColumns: boolean;
    };

/** As far as it is needed of what DuckDB's `json_serialize_sql` gives. */
const parseResult = z.object({
  error: z.boolean(),
  error_type: z.string().optional(),
  error_message: z.string().optional(),
  position: z.string().optional(),
  statements: z.array(z.object({ node: z.looseObject({ from_table: z.unknown().optional() }) })).optional(),
});
const shownTable = z.object({ type: z.literal('SHOW_REF'), show_type: z.string(), table_name: z.string() });
const baseTable = z.object({
  type: z.literal('BASE_TABLE'),
  catalog_name: z.string(),
  schema_name: z.string(),
  table_name: z.string(),
});

/** How the tree of a question to a catalog looks; inside of a literal the quotes would be escaped. */
const OF_CATALOG =
  /"show_type":"SHOW_(UNQUALIFIED|FROM)"|"schema_name":"(information_schema|pg_catalog)"|"function_name":"duckdb_(tables|views|columns|schemas)"|"table_name":"(duckdb_|pg_|sqlite_)\w+"/i;
const EXPLAIN = new RegExp(String.raw`^${BLANK}EXPLAIN\b${BLANK}(?:ANALYZE\b)?${BLANK}(?:\([^)]*\))?`, 'i');

/**
 * Reads one statement with DuckDB's own parser. Throws QUERY_INVALID for a text that holds no statement, several, one
 * that is not a query, or one that cannot be parsed.
 */
export async function readQuestion(session: DuckDbSession, sql: string): Promise<Question> {
  const explained = EXPLAIN.exec(sql);
  const query = explained ? sql.slice(explained[0].length) : sql;
  const [row] = await session.rows(`SELECT json_serialize_sql(${literal(query)}::VARCHAR) AS tree`);
  const tree = String(row?.['tree']);
  const { error, error_type, error_message, position, statements = [] } = parseResult.parse(JSON.parse(tree));
  if (error && error_type !== 'not implemented') throw invalid(syntaxError(error_message ?? '', position));
  // There is a tree for queries alone.
  if (error) throw invalid(notAQuery(query));
  const [statement, ...others] = statements;
  if (statement === undefined) throw invalid({ received: 'no statement', expected: 'a query', next: EXAMPLE });
  if (others.length > 0) throw invalid(severalStatements(statements.length));
  const shown = shownTable.safeParse(statement.node.from_table).data;
  if (shown?.show_type === 'SHOW_UNQUALIFIED' && shown.table_name === '"tables"' && !explained)
    return { kind: 'tables' };
  return {
    kind: 'query',
    names: namesIn(statement.node),
    ofCatalog: OF_CATALOG.test(tree),
    ofColumns: shown?.show_type === 'DESCRIBE',
  };
}

function namesIn(node: unknown): string[][] {
  if (typeof node !== 'object' || node === null) return [];
  const { data } = baseTable.safeParse(node);
  const own = data ? [[data.catalog_name, data.schema_name, data.table_name].filter((part) => part !== '')] : [];
  return [...own, ...Object.values(node).flatMap(namesIn)];
}

function invalid(parts: ErrorParts) {
  return fail('QUERY_INVALID', parts);
}
