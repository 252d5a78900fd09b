/** A name in the SQL of MySQL. */
export function myName(...parts: readonly string[]): string {
  return parts.map((part) => `\`${part.replaceAll('`', '``')}\``).join('.');
}

/** A text in the SQL of MySQL, whatever its `sql_mode` makes of backslashes. */
export function myText(text: string): string {
  return text === '' ? `_utf8mb4''` : `_utf8mb4 X'${Buffer.from(text, 'utf8').toString('hex')}'`;
}

/** Rows behind one in the order of some columns. `values` is SQL. */
export function behind(columns: readonly string[], values: readonly string[]): string {
  const [column, ...others] = columns;
  const [value, ...rest] = values;
  if (column === undefined || value === undefined) return 'false';
  if (others.length === 0) return `${column} > ${value}`;
  // The server finds no place in an index by `(a, b) > (1, 2)`.
  return `(${column} >= ${value} AND (${column} > ${value} OR (${behind(others, rest)})))`;
}
