/**
 * Where the files of a lake are. A file is named by its URI (`file:///abs/path`), which is also what Iceberg
 * metadata holds, byte for byte: nothing in it is percent-encoded.
 *
 * Every method fails with STORAGE_FULL, STORAGE_DENIED or STORAGE_IO.
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
  /** Removes a file, and folders above it that became empty, up to and without `within`. Absent is fine. */
  remove(uri: string, within?: string): Promise<void>;
  /** Bytes, or undefined if there is no such file. */
  size(uri: string): Promise<number | undefined>;
  /** Makes what another program wrote to this file durable. */
  sync(uri: string): Promise<void>;
  /** Creates a folder and those above it; present is fine. */
  makeFolder(uri: string): Promise<void>;
  /** How DuckDB and SQLite name the file. */
  toLocalPath(uri: string): string;
}

export interface StoredFile {
  readonly uri: string;
  readonly bytes: number;
}

/** The file of a name in a folder. */
export function inFolder(folder: string, ...names: readonly string[]): string {
  return [folder.replace(/\/+$/, ''), ...names].join('/');
}
