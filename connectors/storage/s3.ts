import { createHash, randomUUID } from 'node:crypto';
import { mkdtemp, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { ListMultipartUploadsCommandOutput, S3Client } from '@aws-sdk/client-s3';
import {
  AbortMultipartUploadCommand,
  DeleteObjectsCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  paginateListObjectsV2,
} from '@aws-sdk/client-s3';
import { mapBounded } from '../bounded.ts';
import { s3Address, s3Uri } from './s3-address.ts';
import type { S3Settings } from './s3-client.ts';
import { s3Client } from './s3-client.ts';
import { isAbsent, s3Error, s3Failure } from './s3-errors.ts';
import { PART_BYTES, put, putIfAbsent, receive, upload } from './s3-object.ts';
import { onScratch, writeScratchFile } from './scratch-file.ts';
import type { StagingFolder, Storage, StoredFile, Transfer } from './storage.ts';
import { inFolder } from './storage.ts';

/** S3 takes this many names in one request to remove them. */
const REMOVED_AT_ONCE = 1000;
const DOWNLOADS_AT_ONCE = 4;
/** Of files that fit in one part; two parts of a larger one travel at once. */
const SMALL_UPLOADS_AT_ONCE = 8;
const SMALL_BYTES = PART_BYTES / 4;

/** Amazon S3 and whatever speaks its protocol. Buckets are the user's to create. */
export class S3Storage implements Storage {
  readonly #client: S3Client;

  constructor(settings: S3Settings) {
    this.#client = s3Client(settings);
  }

  nameOf(uri: string): string {
    return s3Uri(s3Address(uri));
  }

  async read(uri: string): Promise<Buffer | undefined> {
    return withoutAbsent('reading', uri, async () => {
      const pieces: Uint8Array[] = [];
      for await (const piece of receive(this.#client, s3Address(uri))) pieces.push(piece);
      return Buffer.concat(pieces);
    });
  }

  async writeIfAbsent(uri: string, content: Buffer | string): Promise<boolean> {
    return translating('writing', uri, () => putIfAbsent(this.#client, s3Address(uri), content));
  }

  async replace(uri: string, content: Buffer | string): Promise<void> {
    await translating('writing', uri, () => put(this.#client, s3Address(uri), content));
  }

  async list(folder: string, wanted: (name: string) => boolean = () => true): Promise<StoredFile[]> {
    const { bucket, key } = s3Address(inFolder(folder, ''));
    const found: StoredFile[] = [];
    await translating('listing', folder, async () => {
      for await (const page of paginateListObjectsV2({ client: this.#client }, { Bucket: bucket, Prefix: key })) {
        for (const { Key = '', Size = 0, LastModified } of page.Contents ?? []) {
          // Tools that show folders mark empty ones with an object of such a name.
          if (Key.endsWith('/') || !wanted(path.posix.basename(Key))) continue;
          found.push({ uri: s3Uri({ bucket, key: Key }), bytes: Size, modifiedMs: LastModified?.getTime() ?? 0 });
        }
      }
    });
    return found;
  }

  /** A store has no folders that could become empty, so there is no `within`. */
  async remove(uris: string | readonly string[]): Promise<void> {
    const byBucket = Map.groupBy([uris].flat().map(s3Address), ({ bucket }) => bucket);
    for (const [bucket, addresses] of byBucket) {
      const keys = addresses.map(({ key }) => ({ Key: key }));
      for (let first = 0; first < keys.length; first += REMOVED_AT_ONCE) {
        const Objects = keys.slice(first, first + REMOVED_AT_ONCE);
        const uri = s3Uri({ bucket, key: Objects[0]?.Key ?? '' });
        await translating('removing', uri, async () => {
          const Delete = { Objects, Quiet: true };
          const { Errors = [] } = await this.#client.send(new DeleteObjectsCommand({ Bucket: bucket, Delete }));
          const [failed] = Errors.filter(({ Code }) => Code !== 'NoSuchKey');
          const { Code: name = 'UnknownError' } = failed ?? {};
          if (failed) throw Object.assign(new Error('one of several objects was not removed'), { name, code: name });
        });
      }
    }
  }

  async removeUnfinished(folder: string): Promise<void> {
    const { bucket: Bucket, key: Prefix } = s3Address(inFolder(folder, ''));
    let page: ListMultipartUploadsCommandOutput | undefined;
    try {
      do {
        const [KeyMarker, UploadIdMarker] = [page?.NextKeyMarker, page?.NextUploadIdMarker];
        page = await this.#client.send(new ListMultipartUploadsCommand({ Bucket, Prefix, KeyMarker, UploadIdMarker }));
        for (const { Key, UploadId } of page.Uploads ?? []) {
          await this.#client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId })).catch(ignoreGone);
        }
      } while (page.IsTruncated);
    } catch (error) {
      // To list them takes a right of its own, which a bucket's own rule for old uploads makes needless.
      if (['AccessDenied', 'NotImplemented'].includes(s3Failure(error).name)) return;
      throw s3Error(error, 'removing unfinished uploads below', folder);
    }
  }

  async size(uri: string): Promise<number | undefined> {
    return withoutAbsent('reading', uri, async () => {
      const { bucket, key } = s3Address(uri);
      return (await this.#client.send(new HeadObjectCommand({ Bucket: bucket, Key: key }))).ContentLength ?? 0;
    });
  }

  async stage(folder: string, transfer: Transfer): Promise<StagingFolder> {
    s3Address(folder);
    const local = await onScratch(transfer, () => mkdtemp(path.join(transfer.scratchFolder, 'stage-')));
    return { path: local, finish: (names) => this.#send(local, names, folder, transfer) };
  }

  async localise(uris: readonly string[], transfer: Transfer): Promise<string[]> {
    return mapBounded(uris, DOWNLOADS_AT_ONCE, async (uri) => {
      const name = createHash('sha256').update(this.nameOf(uri)).digest('hex');
      const copy = path.join(transfer.scratchFolder, `copy-${name}${path.posix.extname(uri)}`);
      await translating('reading', uri, () => this.#fetchOnce(uri, copy, transfer));
      return copy;
    });
  }

  async #fetchOnce(uri: string, copy: string, transfer: Transfer): Promise<void> {
    const isThere = await stat(copy).then(
      () => true,
      () => false,
    );
    if (isThere) return;
    const partial = `${copy}.${randomUUID()}`;
    await writeScratchFile(partial, receive(this.#client, s3Address(uri), { signal: transfer.signal }), transfer);
    // Whole under its name or not at all, also when two ask for it at once.
    await onScratch(transfer, () => rename(partial, copy));
  }

  /** One large file after the other, then small ones side by side: what is held in memory stays the same. */
  async #send(local: string, names: readonly string[], folder: string, transfer: Transfer): Promise<void> {
    const sized = await Promise.all(
      names.map(async (name) => ({ name, bytes: (await stat(path.join(local, name))).size })),
    );
    const send = async ({ name }: { readonly name: string }) => {
      const uri = inFolder(folder, ...name.split(path.sep));
      const file = path.join(local, name);
      await translating('writing', uri, () => upload(this.#client, file, s3Address(uri), transfer));
      await rm(file);
    };
    await mapBounded(
      sized.filter(({ bytes }) => bytes > SMALL_BYTES),
      1,
      send,
    );
    await mapBounded(
      sized.filter(({ bytes }) => bytes <= SMALL_BYTES),
      SMALL_UPLOADS_AT_ONCE,
      send,
    );
    await rm(local, { recursive: true, force: true });
  }
}

/** An upload that ended in the meantime. */
function ignoreGone(error: unknown): void {
  if (!(error instanceof Error) || error.name !== 'NoSuchUpload') throw error;
}

async function withoutAbsent<T>(action: string, uri: string, work: () => Promise<T>): Promise<T | undefined> {
  return translating(action, uri, async () => {
    try {
      return await work();
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
  });
}

async function translating<T>(action: string, uri: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw s3Error(error, action, uri);
  }
}
