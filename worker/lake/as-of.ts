/** A table of a query that is asked for as it was. */
export interface AsOf {
  /** The name in the query as its parts. */
  readonly parts: readonly string[];
  /** A snapshot id, a tag, a branch or a moment. */
  readonly wanted: string;
  /** The name that stands in the rewritten query in place of the last part. */
  readonly alias: string;
}

const TOKEN = /'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\/|[A-Za-z_][\w$]*|\d[\w.]*|\s+|[\s\S]/g;
const BLANK = /^(?:\s|--|\/\*)/;
const WORD = /^(?:[A-Za-z_]|")/;

/** Words that may follow a table in a FROM clause and are no alias of it. */
const NO_ALIAS =
  /^(?:where|join|inner|left|right|full|cross|natural|anti|semi|asof|positional|on|using|group|order|having|limit|offset|union|intersect|except|window|qualify|tablesample|fetch|for|pivot|unpivot)$/i;

/**
 * Finds `table AS OF snapshot` in a query and gives each of them a name of its own, which DuckDB can bind: its own
 * `AT (VERSION => …)` is for tables of its catalogs alone. A snapshot is digits, a tag in quotes or as a plain word, or a
 * moment in quotes, with or without TIMESTAMP before it.
 */
export function rewriteAsOf(sql: string): { readonly sql: string; readonly tables: readonly AsOf[] } {
  const tokens = sql.match(TOKEN) ?? [];
  const tables: AsOf[] = [];
  let at = 0;
  const blank = (from: number) => {
    let next = from;
    while (BLANK.test(tokens[next] ?? '')) next += 1;
    return next;
  };
  const output: string[] = [];
  while (at < tokens.length) {
    const name = tableName(tokens, at);
    const as = name === undefined ? at : blank(name.end);
    const of = blank(as + 1);
    if (name === undefined || !/^as$/i.test(tokens[as] ?? '') || !/^of$/i.test(tokens[of] ?? '')) {
      const end = name?.end ?? at + 1;
      output.push(...tokens.slice(at, end));
      at = end;
      continue;
    }
    let value = blank(of + 1);
    if (/^timestamp$/i.test(tokens[value] ?? '') && tokens[blank(value + 1)]?.startsWith("'")) value = blank(value + 1);
    const wanted = wantedOf(tokens[value] ?? '');
    if (wanted === undefined) {
      output.push(...tokens.slice(at, value));
      at = value;
      continue;
    }
    const last = name.parts.at(-1) ?? '';
    const alias = `${last} as of ${wanted}`;
    tables.push({ parts: name.parts, wanted, alias });
    output.push([...name.parts.slice(0, -1), alias].map(quoted).join('.'));
    const following = tokens[blank(value + 1)] ?? '';
    const isAliased = /^as$/i.test(following) || (WORD.test(following) && !NO_ALIAS.test(following));
    if (!isAliased) output.push(` AS ${quoted(last)}`);
    at = value + 1;
  }
  return { sql: output.join(''), tables };
}

function tableName(tokens: readonly string[], from: number): { parts: string[]; end: number } | undefined {
  if (!WORD.test(tokens[from] ?? '')) return undefined;
  const parts = [unquoted(tokens[from] ?? '')];
  let end = from + 1;
  while (tokens[end] === '.' && WORD.test(tokens[end + 1] ?? '')) {
    parts.push(unquoted(tokens[end + 1] ?? ''));
    end += 2;
  }
  return { parts, end };
}

function wantedOf(token: string): string | undefined {
  if (/^\d+$/.test(token)) return token;
  if (token.startsWith("'")) return token.slice(1, -1).replaceAll("''", "'");
  return WORD.test(token) && !NO_ALIAS.test(token) ? unquoted(token) : undefined;
}

function unquoted(token: string): string {
  return token.startsWith('"') ? token.slice(1, -1).replaceAll('""', '"') : token;
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
