import { z } from 'zod';
import { fail } from '../../contracts/errors.ts';
import type { Checkpoint } from '../connector.ts';

const checkpointSchema = z.object({
  version: z.literal(1),
  /** Highest cursor among the rows that were read, as the database writes it. */
  cursor: z.string().optional(),
  /** What tells rows at that very cursor that were read from those that came later. */
  boundary: z
    .union([
      /** A digest of each row there, see `encodeDigests`. */
      z.object({ digests: z.string() }),
      /** They are too many: those up to this primary key were read. */
      z.object({ upTo: z.array(z.string()) }),
    ])
    .optional(),
  /** True when runs over windows brought rows that a run which goes on from here would read again. */
  windowsAhead: z.boolean().optional(),
});

/** The position in a table of a database up to which its rows are in the lake. */
export type DatabaseCheckpoint = z.output<typeof checkpointSchema>;
export type Boundary = NonNullable<DatabaseCheckpoint['boundary']>;

/** More rows than these at one value of the cursor are not remembered one by one: 80 kB in every checkpoint. */
export const MAX_BOUNDARY_ROWS = 10_000;
/** Of the MD5 of a row's key, in hexadecimal. */
export const DIGEST_DIGITS = 16;

/** Errors: TABLE_NEWER for a checkpoint that this version cannot read. */
export function parseCheckpoint(checkpoint: Checkpoint | undefined): DatabaseCheckpoint {
  if (checkpoint === undefined || Object.keys(checkpoint).length === 0) return { version: 1 };
  const parsed = checkpointSchema.safeParse(checkpoint);
  if (parsed.success) return parsed.data;
  throw fail('TABLE_NEWER', {
    received: 'a checkpoint of another source or of a newer version',
    expected: 'one that this version wrote for a database',
    next: 'use the version that wrote it, or run with --full-refresh',
  });
}

/** Digests as base64, each once, in order. */
export function encodeDigests(digests: readonly string[]): string {
  return Buffer.from([...new Set(digests)].toSorted().join(''), 'hex').toString('base64');
}

export function decodeDigests(text: string): string[] {
  return Buffer.from(text, 'base64').toString('hex').match(/.{16}/g) ?? [];
}
