import { translateDuckDbError } from '../../connectors/duckdb/errors.ts';
import { DativoError, fail } from '../../contracts/errors.ts';

/** True when the query failed because there is no table of that name. */
export function saysTableIsUnknown(error: unknown, parts: readonly string[]): boolean {
  if (!(error instanceof Error)) return false;
  // `nope does not exist!`, `"shop.nope" does not exist because schema …`, and `Catalog "a" does not exist` of a.b.c.
  const named =
    /^Catalog Error: Table with name "?(.+?)"? does not exist/.exec(error.message)?.[1] ??
    /^Binder Error: Catalog "(.+?)" does not exist/.exec(error.message)?.[1];
  return named !== undefined && [parts.join('.'), parts.at(-1), parts[0]].includes(named);
}

/** Here the query is the user's, so that it cannot be run is no fault of Dativo's. */
export function invalidQuery(error: unknown): unknown {
  if (error instanceof Error && /^Catalog Error: SHOW TABLES FROM: No catalog/.test(error.message)) {
    return fail('QUERY_INVALID', {
      received: 'SHOW TABLES FROM with an unknown namespace',
      expected: 'a namespace of the lake',
      next: 'see `dativo query "show tables"`',
    });
  }
  const known = translateDuckDbError(error);
  if (!(known instanceof DativoError)) return known;
  if (known.code === 'SOURCE_UNREADABLE') {
    return fail('QUERY_INVALID', {
      received: 'a file that cannot be opened',
      expected: 'a table of the lake, or the path of a file that is there',
      next: 'check the paths in the query; when it names none, ask again: the table may have been compacted meanwhile',
    });
  }
  if (known.code !== 'UNEXPECTED') return known;
  const message = error instanceof Error ? error.message : '';
  const kind = /^([A-Z][A-Za-z ]{2,40} Error):/.exec(message)?.[1]?.toLowerCase() ?? 'error of DuckDB';
  return fail('QUERY_INVALID', {
    received: `a query that ends in ${/^[aeiou]/.test(kind) ? 'an' : 'a'} ${kind}`,
    expected: 'one whose values can all be computed',
    next: 'correct the query; TRY_CAST gives null where a value cannot be converted',
  });
}
