import { escapeIdentifier, escapeLiteral } from 'pg';

/** A name in the SQL of Postgres. */
export function pgName(...parts: readonly string[]): string {
  return parts.map((part) => escapeIdentifier(part)).join('.');
}

/** A text in the SQL of Postgres; a COPY takes no parameters. */
export function pgText(text: string): string {
  return escapeLiteral(text);
}
