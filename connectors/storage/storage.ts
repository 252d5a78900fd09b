/**
 * Where the files of a lake are. A file is named by its URI (`file:///abs/path`, `s3://bucket/key`), which is also what
 * Iceberg metadata holds, byte for byte: nothing in it is percent-encoded.
 *
 * Every method fails with one of STORAGE_*, and with NOT_AVAILABLE_YET for a URI of a kind that no storage serves.
 */
export interface Storage {
  /** The whole content, or undefined if there is no such file. */
  read(uri: string): Promise<Buffer | undefined>;
  /**
   * Creates the file whole, durable when the promise resolves. False if a file of that name was there already,
   * which is left as it is: of several writers of one name exactly one gets true.
   */
  writeIfAbsent(uri: string, content: Buffer | string): Promise<boolean>;
  /** Creates or replaces the file: a reader sees the old or the new content, never a part. */
  replace(uri: string, content: Buffer | string): Promise<void>;
  /** All files below a folder, at any depth, that have a wanted name; none if the folder does not exist. */
  list(folder: string, wanted?: (name: string) => boolean): Promise<StoredFile[]>;
  /** Removes files, and folders above them that became empty, up to and without `within`. Absent is fine. */
  remove(uris: string | readonly string[], within?: string): Promise<void>;
  /**
   * Drops what writers that were stopped left half-written below a folder and nobody sees, so that it never becomes a
   * file. As far as the storage lets us: what stays takes room and does no harm.
   */
  removeUnfinished(folder: string): Promise<void>;
  /** Bytes, or undefined if there is no such file. */
  size(uri: string): Promise<number | undefined>;
  /** The one name that a file has, however its URI is spelled: for comparing, and for messages. */
  nameOf(uri: string): string;
  /** A local folder for a program that writes its files by itself, on their way into a folder that is its alone. */
  stage(folder: string, transfer: Transfer): Promise<StagingFolder>;
  /**
   * Paths on the local disk under which a program can read files, in the order of the URIs: the files themselves where
   * they are local, else copies in the scratch folder. A copy that is there already is not fetched again: it is for files
   * that are written once, under a name that is theirs alone.
   */
  localise(uris: readonly string[], transfer: Transfer): Promise<string[]>;
}

export interface StoredFile {
  readonly uri: string;
  readonly bytes: number;
  /** When it was last written, in milliseconds since 1970, by the clock of the storage. */
  readonly modifiedMs: number;
}

/** What moving files between a storage and the local disk needs of its caller; a connector's context has it all. */
export interface Transfer {
  readonly signal: AbortSignal;
  /** A folder on a local disk that the caller removes when the work is done. */
  readonly scratchFolder: string;
  /** Called every so often while bytes move. */
  readonly onProgress?: () => void;
}

export interface StagingFolder {
  /** On a local disk, and there. */
  readonly path: string;
  /**
   * Puts these files, named relative to the folder, into their place under the same names, durable, and drops
   * everything else that was written. To be called once.
   */
  finish(names: readonly string[]): Promise<void>;
}

/** The file of a name in a folder. */
export function inFolder(folder: string, ...names: readonly string[]): string {
  return [folder.replace(/\/+$/, ''), ...names].join('/');
}
