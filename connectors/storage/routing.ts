import { isDeepStrictEqual } from 'node:util';
import type { StorageSpec } from '../../contracts/job-storage.ts';
import { unserved } from './errors.ts';
import type { BorrowingStorage, LentAccess } from './lent-access.ts';
import { isBelow } from './lent-access.ts';
import { LentCredentials } from './lent-credentials.ts';
import { LocalStorage, localUri } from './local.ts';
import { RereadCredentials } from './reread-credentials.ts';
import { isS3, s3Address, s3Uri } from './s3-address.ts';
import type { S3Credentials, S3Settings } from './s3-client.ts';
import type { StagingFolder, Storage, StoredFile, Transfer } from './storage.ts';

/**
 * What a job says about its object store, in the words of the client. `reread` gives it as it is now, for keys that are
 * refused; left out where they cannot change.
 */
export function s3Settings(spec: StorageSpec = {}, reread?: () => Promise<StorageSpec | undefined>): S3Settings {
  const { endpoint, region, path_style: pathStyle, ...keys } = spec;
  const known = credentialsOf(keys);
  const credentials =
    known && reread ? new RereadCredentials(known, async () => credentialsOf((await reread()) ?? {})) : known;
  return {
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
    ...(pathStyle === undefined ? {} : { pathStyle }),
    ...(credentials === undefined ? {} : { credentials }),
  };
}

function credentialsOf({
  access_key_id: accessKeyId,
  secret_access_key: secretAccessKey,
  session_token: sessionToken,
}: StorageSpec): S3Credentials | undefined {
  if (accessKeyId === undefined || secretAccessKey === undefined) return undefined;
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
}

/** The URI of a warehouse: an absolute path, or an address. */
export function warehouseUri(warehouse: string): string {
  if (isS3(warehouse)) return s3Uri(s3Address(warehouse)).replace(/\/+$/, '');
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(warehouse)) throw unserved(warehouse);
  return localUri(warehouse);
}

interface Borrowed extends Pick<LentAccess, 'prefix' | 'place'> {
  readonly credentials: LentCredentials;
  readonly storage: () => Promise<Storage>;
}

/**
 * The storage that serves each URI: the local disk or an object store. A lake is in one place as a whole, but what
 * names its files may be another writer's. The client of the object store is loaded when the first file of it is.
 */
export class RoutingStorage implements BorrowingStorage {
  readonly #local = new LocalStorage();
  readonly #settings: S3Settings;
  #s3: Promise<Storage> | undefined;
  /** Longest prefix first. */
  #lent: readonly Borrowed[] = [];

  constructor(settings: S3Settings = {}) {
    this.#settings = settings;
  }

  borrow(access: LentAccess): void {
    const { prefix, place } = access;
    const known = this.#lent.find((one) => one.prefix === prefix && isDeepStrictEqual(one.place, place));
    if (known === undefined) this.#open(access);
    else known.credentials.replace(access);
  }

  async read(uri: string): Promise<Buffer | undefined> {
    return (await this.#of(uri)).read(uri);
  }

  async writeIfAbsent(uri: string, content: Buffer | string): Promise<boolean> {
    return (await this.#of(uri)).writeIfAbsent(uri, content);
  }

  async replace(uri: string, content: Buffer | string): Promise<void> {
    await (await this.#of(uri)).replace(uri, content);
  }

  async list(folder: string, wanted?: (name: string) => boolean): Promise<StoredFile[]> {
    return (await this.#of(folder)).list(folder, wanted);
  }

  async remove(uris: string | readonly string[], within?: string): Promise<void> {
    const all = [uris].flat();
    for (const [storage, own] of await this.#divided(all)) await storage.remove(own, within);
  }

  async removeUnfinished(folder: string): Promise<void> {
    await (await this.#of(folder)).removeUnfinished(folder);
  }

  async size(uri: string): Promise<number | undefined> {
    return (await this.#of(uri)).size(uri);
  }

  nameOf(uri: string): string {
    return isS3(uri) ? s3Uri(s3Address(uri)) : this.#local.nameOf(uri);
  }

  async stage(folder: string, transfer: Transfer): Promise<StagingFolder> {
    return (await this.#of(folder)).stage(folder, transfer);
  }

  async localise(uris: readonly string[], transfer: Transfer): Promise<string[]> {
    const paths = new Map<string, string>();
    for (const [storage, own] of await this.#divided(uris)) {
      for (const [index, path] of (await storage.localise(own, transfer)).entries()) paths.set(own[index] ?? '', path);
    }
    return uris.map((uri) => paths.get(uri) ?? '');
  }

  async #divided(uris: readonly string[]): Promise<Map<Storage, string[]>> {
    const storages = await Promise.all(uris.map((uri) => this.#of(uri)));
    return Map.groupBy(uris, (_, index) => storages[index] ?? this.#local);
  }

  #open(access: LentAccess): void {
    const { prefix, place } = access;
    const credentials = new LentCredentials(access);
    let opened: Promise<Storage> | undefined;
    const storage = () => {
      opened ??= openS3({ ...place, ...this.#settings, credentials });
      return opened;
    };
    const others = this.#lent.filter((one) => one.prefix !== prefix);
    this.#lent = [...others, { prefix, place, credentials, storage }].toSorted(
      (a, b) => b.prefix.length - a.prefix.length,
    );
  }

  async #of(uri: string): Promise<Storage> {
    if (!isS3(uri)) return this.#local;
    const lent = this.#lent.find(({ prefix }) => isBelow(uri, prefix));
    if (lent !== undefined) return lent.storage();
    this.#s3 ??= openS3(this.#settings);
    return this.#s3;
  }
}

async function openS3(settings: S3Settings): Promise<Storage> {
  const { S3Storage } = await import('./s3.ts');
  return new S3Storage(settings);
}
