import type { FoundFile } from './files.ts';

/** Keeps what was found out about files for as long as their size and time stay, so that none is opened twice for it. */
export class FileMemo<T> {
  readonly #known = new Map<string, { readonly stamp: string; readonly value: Promise<T> }>();

  /** `key` tells what else the value depends on. */
  get(file: FoundFile, key: string, find: () => Promise<T>): Promise<T> {
    const stamp = `${file.bytes} ${file.mtimeMs} ${file.digest ?? ''} ${key}`;
    const known = this.#known.get(file.path);
    if (known?.stamp === stamp) return known.value;
    const value = find();
    this.#known.set(file.path, { stamp, value });
    value.catch(() => this.#known.delete(file.path));
    return value;
  }
}
