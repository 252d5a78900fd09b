/** A name in the SQL of Postgres. */
export function pgName(...parts: readonly string[]): string {
  return parts.map((part) => `"${part.replaceAll('"', '""')}"`).join('.');
}

/** A text in the SQL of Postgres, whatever its setting for backslashes; a COPY takes no parameters. */
export function pgText(text: string): string {
  const quoted = `'${text.replaceAll("'", "''").replaceAll('\\', '\\\\')}'`;
  return text.includes('\\') ? ` E${quoted}` : quoted;
}
