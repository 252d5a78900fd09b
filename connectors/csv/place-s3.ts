import path from 'node:path';
import type { S3Client } from '@aws-sdk/client-s3';
import { HeadObjectCommand, paginateListObjectsV2 } from '@aws-sdk/client-s3';
import type { S3Address } from '../storage/s3-address.ts';
import { s3Address, s3Uri } from '../storage/s3-address.ts';
import type { S3Settings } from '../storage/s3-client.ts';
import { s3Client } from '../storage/s3-client.ts';
import { isAbsent, isConditionFailed, s3Error } from '../storage/s3-errors.ts';
import { receive } from '../storage/s3-object.ts';
import { writeScratchFile } from '../storage/scratch-file.ts';
import type { Transfer } from '../storage/storage.ts';
import type { FilePlace } from './file-place.ts';
import type { FoundFile } from './files.ts';
import { changed, GLOB_CHARACTERS } from './files.ts';

/** Files in an object store. What tells a content from another is its ETag. */
export class S3Files implements FilePlace {
  readonly #client: S3Client;

  constructor(settings: S3Settings) {
    this.#client = s3Client(settings);
  }

  /** A pattern is matched by names below its part without wildcards; `**` stands for any number of folders. */
  async find(pattern: string, signal: AbortSignal): Promise<FoundFile[]> {
    const address = s3Address(pattern);
    return translating('looking for', pattern, async () => {
      const file = await this.#lookUp(address, signal);
      if (file !== undefined) return [file];
      const wildcard = address.key.search(GLOB_CHARACTERS);
      return wildcard < 0 ? [] : this.#match(address, address.key.slice(0, wildcard), signal);
    });
  }

  /** A name that was listed can be read by whoever has the right to, which a look at its first bytes shows. */
  async requireReadable({ path: name }: FoundFile, signal: AbortSignal): Promise<void> {
    await translating('reading', name, async () => {
      for await (const _ of receive(this.#client, s3Address(name), { signal, bytes: 1 })) return;
    });
  }

  async digestOf({ path: name, digest }: FoundFile, signal: AbortSignal): Promise<string> {
    if (digest !== undefined) return digest;
    return translating('reading', name, async () => (await this.#lookUp(s3Address(name), signal))?.digest ?? '');
  }

  async *stored(name: string, signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield* receive(this.#client, s3Address(name), { signal });
    } catch (error) {
      throw s3Error(error, 'reading', name);
    }
  }

  async fetch({ path: name, digest }: FoundFile, target: string, transfer: Transfer): Promise<void> {
    const options = { signal: transfer.signal, ...(digest === undefined ? {} : { ifMatch: digest }) };
    try {
      await writeScratchFile(target, receive(this.#client, s3Address(name), options), transfer);
    } catch (error) {
      if (isConditionFailed(error)) throw changed(name, 'changed');
      if (isAbsent(error)) throw changed(name, 'disappeared');
      throw s3Error(error, 'reading', name);
    }
  }

  async #lookUp({ bucket, key }: S3Address, signal: AbortSignal): Promise<FoundFile | undefined> {
    try {
      const command = new HeadObjectCommand({ Bucket: bucket, Key: key });
      const { ContentLength, LastModified, ETag } = await this.#client.send(command, { abortSignal: signal });
      return foundFile({ bucket, key }, ContentLength, LastModified, ETag);
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
  }

  async #match({ bucket, key: pattern }: S3Address, prefix: string, signal: AbortSignal): Promise<FoundFile[]> {
    const found: FoundFile[] = [];
    for await (const page of paginateListObjectsV2({ client: this.#client }, { Bucket: bucket, Prefix: prefix })) {
      signal.throwIfAborted();
      for (const { Key = '', Size, LastModified, ETag } of page.Contents ?? []) {
        if (!Key.endsWith('/') && path.posix.matchesGlob(Key, pattern)) {
          found.push(foundFile({ bucket, key: Key }, Size, LastModified, ETag));
        }
      }
    }
    return found;
  }
}

function foundFile(address: S3Address, bytes = 0, modified?: Date, etag?: string): FoundFile {
  const file = { path: s3Uri(address), bytes, mtimeMs: modified?.getTime() ?? 0 };
  return etag === undefined ? file : { ...file, digest: etag };
}

async function translating<T>(action: string, name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw s3Error(error, action, name);
  }
}
