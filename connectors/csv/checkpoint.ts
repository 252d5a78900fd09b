import { z } from 'zod';
import { fail } from '../../contracts/errors.ts';
import type { Checkpoint } from '../connector.ts';
import type { SourceFile } from './files.ts';
import { WHOLE_DIGEST_BYTES } from './files.ts';

const fileStateSchema = z.object({ bytes: z.number(), mtimeMs: z.number(), digest: z.string() });

const checkpointSchema = z.object({
  version: z.literal(1),
  /**
   * Files whose rows are in the table, by path. One that has disappeared stays listed: when it comes back as it was,
   * its rows are not read twice.
   */
  files: z.record(z.string(), fileStateSchema),
  /** Highest cursor that was written, as text. */
  cursor: z.string().optional(),
});

export type CsvCheckpoint = z.output<typeof checkpointSchema>;

const NOTHING: CsvCheckpoint = { version: 1, files: {} };

/** Errors: TABLE_NEWER for a checkpoint that this version cannot read. */
export function parseCheckpoint(checkpoint: Checkpoint | undefined): CsvCheckpoint {
  if (checkpoint === undefined || Object.keys(checkpoint).length === 0) return NOTHING;
  const parsed = checkpointSchema.safeParse(checkpoint);
  if (parsed.success) return parsed.data;
  throw fail('TABLE_NEWER', {
    received: 'a checkpoint of another source or of a newer version',
    expected: 'one that this version of the csv source wrote',
    next: 'use the version that wrote it, or run with --full-refresh',
  });
}

/**
 * A file is known when its size, time and digest are those of the checkpoint. The time alone does not make a file
 * changed whose digest covers all of it: a copy, a checkout or a touch gives it another time and the same rows. Of a
 * larger one only samples are digested, so an edit between them shows in its time alone.
 */
export function isKnown(file: SourceFile, { files }: CsvCheckpoint): boolean {
  const state = Object.hasOwn(files, file.path) ? files[file.path] : undefined;
  if (state?.bytes !== file.bytes || state.digest !== file.digest) return false;
  return state.mtimeMs === file.mtimeMs || file.bytes <= WHOLE_DIGEST_BYTES;
}

/** The checkpoint with these files added. */
export function withFiles(checkpoint: CsvCheckpoint, files: readonly SourceFile[]): CsvCheckpoint {
  const added = files.map(({ path, bytes, mtimeMs, digest }) => [path, { bytes, mtimeMs, digest }] as const);
  return { ...checkpoint, files: { ...checkpoint.files, ...Object.fromEntries(added) } };
}
