import { z } from 'zod';
import type { DuckDbSession } from './session.ts';
import { literal } from './sql.ts';

/** What an expression of a job may not do, told as a clause; or what it reads. */
export type ExpressionAnalysis =
  | { readonly refused: string }
  | {
      /** First parts of the names that it reads, without the parameters of its lambdas. */
      readonly names: readonly string[];
      readonly hasWindow: boolean;
    };

/**
 * Functions that look outside of the row: at settings, variables (where keys are), the running query or the catalog;
 * and those that wait, write a log or make several rows of one.
 */
const OUTSIDE = new Set([
  'getvariable',
  'current_setting',
  'current_query',
  'current_query_id',
  'current_connection_id',
  'getenv',
  'nextval',
  'current_transaction_id',
  'txid_current',
  'currval',
  'setseed',
  'sleep_ms',
  'pg_sleep',
  'write_log',
  'stats',
  'unnest',
  'generate_subscripts',
  'regexp_split_to_table',
  'json_each',
  'json_tree',
  'error',
]); // prettier-ignore

/** `class` and `type` tell what a node is; in some nodes (constants) `type` is an object instead. */
const nodeSchema = z.looseObject({ class: z.unknown().optional(), type: z.unknown().optional() });
type Node = z.output<typeof nodeSchema>;

const answerSchema = z.union([
  z.object({ error: z.literal(true), error_type: z.string() }),
  z.object({
    error: z.literal(false),
    statements: z.array(
      z.object({
        node: z.looseObject({
          type: z.string(),
          modifiers: z.array(z.unknown()),
          cte_map: z.object({ map: z.array(z.unknown()) }),
          select_list: z.array(nodeSchema).optional(),
          from_table: nodeSchema.optional(),
          where_clause: z.unknown().optional(),
          group_expressions: z.array(z.unknown()).optional(),
          having: z.unknown().optional(),
          sample: z.unknown().optional(),
          qualify: z.unknown().optional(),
        }),
      }),
    ),
  }),
]);

/**
 * Parses `SELECT <expression>` with DuckDB's own parser and walks the syntax tree (`json_serialize_sql`): it must be
 * one value computed from columns, and no query, statement, parameter or star.
 */
export async function analyseExpression(session: DuckDbSession, expression: string): Promise<ExpressionAnalysis> {
  const [row] = await session.rows(`SELECT json_serialize_sql(${literal(`SELECT ${expression}`)}) AS tree`);
  const tree = row?.['tree'];
  const answer = answerSchema.parse(JSON.parse(typeof tree === 'string' ? tree : '{}'));
  if (answer.error) return { refused: 'is not a valid SQL expression' };
  const [statement] = answer.statements;
  if (answer.statements.length !== 1 || statement === undefined) return { refused: 'holds more than one statement' };
  const { node } = statement;
  const [value] = node.select_list ?? [];
  const bare = [node.where_clause, node.having, node.sample, node.qualify].every((clause) => clause == null);
  if (
    node.type !== 'SELECT_NODE' ||
    node.select_list?.length !== 1 ||
    value === undefined ||
    node.from_table?.type !== 'EMPTY' ||
    node.modifiers.length > 0 ||
    node.cte_map.map.length > 0 ||
    (node.group_expressions?.length ?? 0) > 0 ||
    !bare
  ) {
    return { refused: 'is a query and not one value' };
  }
  if (typeof value['alias'] === 'string' && value['alias'] !== '') return { refused: 'names its result with AS' };
  return walk(value, await aggregateNames(session));
}

async function aggregateNames(session: DuckDbSession): Promise<ReadonlySet<string>> {
  const rows = await session.rows(
    `SELECT DISTINCT function_name AS name FROM duckdb_functions() WHERE function_type = 'aggregate'`,
  );
  return new Set(rows.flatMap(({ name }) => (typeof name === 'string' ? [name] : [])));
}

function walk(root: Node, aggregates: ReadonlySet<string>): ExpressionAnalysis {
  const names = new Set<string>();
  let hasWindow = false;
  let refused: string | undefined;

  const visit = (value: unknown, parameters: ReadonlySet<string>): void => {
    if (Array.isArray(value)) {
      for (const item of value) visit(item, parameters);
      return;
    }
    if (typeof value !== 'object' || value === null) return;
    const node = nodeSchema.parse(value);
    refused ??= refusal(node, aggregates);
    if (node.class === 'WINDOW') hasWindow = true;
    if (node.class === 'COLUMN_REF') {
      const [first] = columnNames(node);
      if (first !== undefined && !parameters.has(first)) names.add(first);
    }
    const inner = node.class === 'LAMBDA' ? new Set([...parameters, ...lambdaParameters(node)]) : parameters;
    for (const child of Object.values(node)) visit(child, inner);
  };
  visit(root, new Set());
  return refused === undefined ? { names: [...names], hasWindow } : { refused };
}

function refusal(node: Node, aggregates: ReadonlySet<string>): string | undefined {
  const name = typeof node['function_name'] === 'string' ? node['function_name'].toLowerCase() : '';
  switch (node.class) {
    case 'SUBQUERY':
      return 'holds a subquery';
    case 'STAR':
      return 'uses * or COLUMNS(…)';
    case 'PARAMETER':
    case 'POSITIONAL_REFERENCE':
      return 'uses a parameter or a column number';
    case 'FUNCTION':
      if (OUTSIDE.has(name) || name.startsWith('dativo_')) return `uses ${name}(), which sees more than the row`;
      if (aggregates.has(name)) return `uses the aggregate ${name}() without OVER`;
      return undefined;
    default:
      return undefined;
  }
}

function columnNames(node: Node): readonly string[] {
  const names = z.array(z.string()).safeParse(node['column_names']);
  return names.success ? names.data : [];
}

/** `x -> …` has one name on its left, `(x, y) -> …` a row of them. */
function lambdaParameters(node: Node): readonly string[] {
  const left = nodeSchema.safeParse(node['lhs']);
  if (!left.success) return [];
  if (left.data.class === 'COLUMN_REF') return columnNames(left.data);
  const children = z.array(nodeSchema).safeParse(left.data['children']);
  return children.success ? children.data.flatMap(columnNames) : [];
}
