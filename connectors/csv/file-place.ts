import type { Transfer } from '../storage/storage.ts';
import type { FoundFile } from './files.ts';

/**
 * Where files of a source are: a disk, an object store, a web server. A file's `path` is its name everywhere, in
 * checkpoints, quarantine, plans and messages, so it holds no secret.
 */
export interface FilePlace {
  /** The files that a path, address or pattern names; none if there is none. Opens none where it can be helped. */
  find(pattern: string, signal: AbortSignal): Promise<FoundFile[]>;
  /** Fails if the file cannot be read. */
  requireReadable(file: FoundFile, signal: AbortSignal): Promise<void>;
  /** What tells the file's content from any that it had before. */
  digestOf(file: FoundFile, signal: AbortSignal): Promise<string>;
  /** The file's bytes as they are stored, from the start; whoever has enough breaks out of the loop. */
  stored(name: string, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** Writes the whole file to a path in the scratch folder. Fails with SOURCE_CHANGED if it is no longer what it was. */
  fetch(file: FoundFile, target: string, transfer: Transfer): Promise<void>;
}
