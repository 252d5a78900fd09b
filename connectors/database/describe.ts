import { formatCount } from '../../contracts/figures.ts';
import type { Column } from '../../contracts/schema.ts';
import type { Doubt, StreamDescription } from '../connector.ts';
import type { FoundColumn } from './columns.ts';

/** What an object is in a database, as far as a stream is described by it. */
interface DescribedTable {
  /** For messages. */
  readonly shown: string;
  /** As the database estimates them; undefined where it does not. */
  readonly rows?: number | undefined;
  readonly primaryKey: readonly string[];
}

/** A stream of those columns of a table that the job brings in; a key that is not among them as a whole is none. */
export function describeTable(
  { shown, rows, primaryKey }: DescribedTable,
  read: readonly FoundColumn[],
  doubts: readonly Doubt[],
): StreamDescription {
  const about = rows === undefined ? '' : `, about ${formatCount(Math.round(rows))} rows`;
  return {
    schema: {
      columns: read.map(({ name, type }): Column => ({ name, type, required: false })),
      primaryKey: primaryKey.every((key) => read.some(({ name }) => name === key)) ? primaryKey : [],
    },
    notes: [`${shown}${about}`, ...doubts.map(({ text }) => text)],
    doubts,
  };
}
