import type { Storage } from '../storage/storage.ts';
import { inFolder } from '../storage/storage.ts';

/** The metadata files that one attempt at a commit writes for one table, so that a lost attempt leaves none. */
export class CommitFiles {
  /** Part of the name of every file; see `commitUuid`. */
  readonly uuid: string;
  readonly #storage: Storage;
  readonly #folder: string;
  readonly #written: string[] = [];

  constructor(storage: Storage, tableLocation: string, uuid: string) {
    this.#storage = storage;
    this.#folder = metadataFolder(tableLocation);
    this.uuid = uuid;
  }

  /** Returns the URI. */
  async write(name: string, content: Buffer | string): Promise<string> {
    const uri = inFolder(this.#folder, name);
    // Noted before it exists: a write that fails half-way is tidied too.
    this.#written.push(uri);
    await this.#storage.writeIfAbsent(uri, content);
    return uri;
  }

  /** URIs, oldest first. */
  get written(): readonly string[] {
    return this.#written;
  }

  /** Only for an attempt that is known to have lost. */
  async discard(): Promise<void> {
    await this.#storage.remove(this.#written);
  }
}

export function metadataFolder(tableLocation: string): string {
  return inFolder(tableLocation, 'metadata');
}

export function dataFolder(tableLocation: string): string {
  return inFolder(tableLocation, 'data');
}
