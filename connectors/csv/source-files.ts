import { mkdtemp, stat } from 'node:fs/promises';
import path from 'node:path';
import { mapBounded } from '../bounded.ts';
import type { SourceSettings } from '../source-settings.ts';
import { objectNames } from '../source-settings.ts';
import { s3Settings } from '../storage/routing.ts';
import { isS3 } from '../storage/s3-address.ts';
import { onScratch } from '../storage/scratch-file.ts';
import type { Transfer } from '../storage/storage.ts';
import type { FilePlace } from './file-place.ts';
import type { FoundFile } from './files.ts';
import { digestOf, findLocal, notFound, requireReadable } from './files.ts';
import { httpAddress, isHttp } from './http-address.ts';
import type { PlannedFile } from './plan.ts';
import { pathsOf } from './settings.ts';

const FETCHED_AT_ONCE = 4;

/** All files of a source, wherever they are. Those on this machine are read in place, others from copies. */
export class SourceFiles {
  readonly #settings: SourceSettings;
  #s3: Promise<FilePlace> | undefined;
  #http: Promise<FilePlace> | undefined;

  constructor(settings: SourceSettings) {
    this.#settings = settings;
  }

  /**
   * The files that paths, patterns and addresses name, each once, sorted by code unit so that every run sees one order.
   * Errors: SOURCE_NOT_FOUND, SOURCE_UNREADABLE, SOURCE_UNREACHABLE, STORAGE_*.
   */
  async find(patterns: readonly string[], signal: AbortSignal): Promise<FoundFile[]> {
    const found = new Map<string, FoundFile>();
    for (const pattern of patterns) {
      const place = await this.#placeOf(pattern);
      const matches = await (place === undefined ? findLocal(pattern) : place.find(pattern, signal));
      if (matches.length === 0) throw notFound(isHttp(pattern) ? httpAddress(pattern).name : pattern);
      for (const match of matches) found.set(match.path, match);
    }
    return [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  async requireReadable(file: FoundFile, signal: AbortSignal): Promise<void> {
    const place = await this.#placeOf(file.path);
    await (place === undefined ? requireReadable(file) : place.requireReadable(file, signal));
  }

  async digestOf(file: FoundFile, signal: AbortSignal): Promise<string> {
    const place = await this.#placeOf(file.path);
    return place === undefined ? digestOf(file) : place.digestOf(file, signal);
  }

  /** A file's bytes as they are stored; undefined for one on this machine. */
  stored(name: string, signal: AbortSignal): AsyncIterable<Uint8Array> | undefined {
    if (!isRemote(name)) return undefined;
    const placeOf = () => this.#placeOf(name);
    return (async function* () {
      const place = await placeOf();
      if (place !== undefined) yield* place.stored(name, signal);
    })();
  }

  /** The files as they are on this machine, in their order; copies are named so that no tool takes them for a pattern. */
  async localise(files: readonly PlannedFile[], transfer: Transfer): Promise<PlannedFile[]> {
    if (!files.some((file) => isRemote(file.path))) return [...files];
    const folder = await onScratch(transfer, () => mkdtemp(path.join(transfer.scratchFolder, 'fetch-')));
    const numbered = files.map((file, index) => ({ file, target: path.join(folder, `${index}.csv`) }));
    return mapBounded(numbered, FETCHED_AT_ONCE, async ({ file, target }) => {
      const place = await this.#placeOf(file.path);
      if (place === undefined) return file;
      await place.fetch(file, target, transfer);
      const { size, mtimeMs } = await stat(target);
      return { ...file, path: target, bytes: size, mtimeMs };
    });
  }

  /** Undefined for this machine. Clients of other places are only loaded when there are files there. */
  async #placeOf(name: string): Promise<FilePlace | undefined> {
    if (isS3(name)) {
      this.#s3 ??= import('./place-s3.ts').then(
        ({ S3Files }) => new S3Files(s3Settings(this.#settings.source.storage, this.#settings.rereadStorage)),
      );
      return this.#s3;
    }
    if (!isHttp(name)) return undefined;
    const locations = () => objectNames(this.#settings).flatMap((object) => pathsOf(object, this.#settings));
    this.#http ??= import('./place-http.ts').then(({ HttpFiles }) => new HttpFiles(() => locations().filter(isHttp)));
    return this.#http;
  }
}

function isRemote(name: string): boolean {
  return isS3(name) || isHttp(name);
}
