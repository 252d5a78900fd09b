import type { CsvCheckpoint } from './checkpoint.ts';
import { stateOf } from './checkpoint.ts';
import type { FoundFile } from './files.ts';
import { inBatches, WHOLE_DIGEST_BYTES } from './files.ts';

/** An object's files against those of the checkpoint. */
export interface FileChanges {
  /** All files, sorted. */
  readonly files: readonly FoundFile[];
  /** Those that are new or have changed. */
  readonly changed: readonly FoundFile[];
}

/**
 * A file whose size and time are those of the checkpoint is taken for unchanged, as by make and rsync, and is not
 * opened: thousands of files are told from their listing alone. When the time alone differs the digest decides, since
 * a copy, a checkout or a touch gives a file another time and the same rows. It covers all of a small file; of a
 * larger one it covers samples, so that an edit between them shows in its time alone.
 */
export async function findChanges(
  files: readonly FoundFile[],
  checkpoint: CsvCheckpoint,
  digestOf: (file: FoundFile) => Promise<string>,
): Promise<FileChanges> {
  const unchanged = await inBatches(files, async (file) => {
    const state = stateOf(file.path, checkpoint);
    if (file.digest !== undefined) return state?.digest === file.digest;
    if (state?.bytes !== file.bytes) return false;
    if (state.mtimeMs === file.mtimeMs) return true;
    return file.bytes <= WHOLE_DIGEST_BYTES && state.digest === (await digestOf(file));
  });
  return { files, changed: files.filter((_, index) => unchanged[index] !== true) };
}
