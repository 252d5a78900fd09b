import type { PlanRequest, Source } from '../connectors/connector.ts';
import { castTo, sameType } from '../connectors/duckdb/cast.ts';
import { identifier } from '../connectors/duckdb/sql.ts';
import { fail } from '../contracts/errors.ts';
import type { Column, StreamSchema } from '../contracts/schema.ts';
import { typeName } from '../contracts/schema.ts';
import type { WorkScope } from './activity-scope.ts';

const SAMPLE_ROWS = 20_000;

/**
 * Tells a source that changed a column's type from one that has some bad rows: when the sample shows text where
 * another type was promised, more than half of the sampled values must fit. They are those of the first chunk that
 * the request would read. Throws SCHEMA_MISMATCH.
 */
export async function requireFittingTypes(
  source: Source,
  described: StreamSchema,
  request: PlanRequest,
  scope: WorkScope,
): Promise<void> {
  const { object } = request;
  const doubtful = described.columns.flatMap((column, index) => {
    const promised = request.schema.columns[index];
    return promised && column.type === 'string' && !sameType(column.type, promised.type) ? [promised] : [];
  });
  if (doubtful.length === 0) return;
  const [chunk] = (await source.plan(request, scope.connector)).chunks;
  if (!chunk) return;
  const session = await scope.session();
  const relation = await source.read(object, described, chunk, session, scope.connector);
  const counts = doubtful.flatMap((column, index) => {
    const cast = castTo(identifier(column.name), 'string', column.type);
    return [`count(${identifier(column.name)}) AS v${index}`, `count(${cast.sql}) AS f${index}`];
  });
  const sample = `SELECT ${counts.join(', ')} FROM (SELECT * FROM (${relation.sql}) LIMIT ${SAMPLE_ROWS})`;
  const [row] = await session.rows(sample).finally(() => relation.close?.());
  const changed = doubtful.filter((_, index) => Number(row?.[`f${index}`]) * 2 < Number(row?.[`v${index}`]));
  if (changed.length > 0) throw changedType(object, changed);
}

function changedType(object: string, changed: readonly Column[]) {
  const list = changed.map(({ name, type }) => `column ${name} holds text, not ${typeName(type)}`).join('; ');
  return fail('SCHEMA_MISMATCH', {
    received: `"${object}" with these differences: ${list}`,
    expected: 'the types of the contract or the table (schema_mode strict)',
    next: 'correct the source or the contract, or set schema_mode: warn to put the rows that do not fit into quarantine',
  });
}
