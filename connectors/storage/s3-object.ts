import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';
import { GetObjectCommand, HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { fail } from '../../contracts/errors.ts';
import type { S3Address } from './s3-address.ts';
import { s3Uri } from './s3-address.ts';
import { isAbsent, isConditionFailed, s3Failure } from './s3-errors.ts';
import type { Transfer } from './storage.ts';

/** An upload holds at most two parts in memory, and one that is being gathered. */
export const PART_BYTES = 16 * 1_048_576;
const PARTS_AT_ONCE = 2;
const READ_BYTES = 1_048_576;
/** How often in a row a connection may break without a byte having come. */
const BREAKS = 5;
/** User metadata that tells whose object it is: an answer may get lost on its way to the writer. */
const WRITER = 'dativo-writer';

export interface ReceiveOptions {
  readonly signal?: AbortSignal;
  /** The ETag that the object must have. */
  readonly ifMatch?: string;
  /** How many bytes are wanted; all without it. */
  readonly bytes?: number;
}

/**
 * The bytes of an object from its start. The SDK's retries end where the body begins; when the connection breaks after
 * that, the rest is asked for, of the same version of the object.
 */
export async function* receive(
  client: S3Client,
  address: S3Address,
  { signal, ifMatch, bytes }: ReceiveOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  let etag = ifMatch;
  let received = 0;
  for (let breaks = 0; ; ) {
    const range = received === 0 && bytes === undefined ? undefined : `bytes=${received}-${bytes ? bytes - 1 : ''}`;
    const answer = await client.send(
      new GetObjectCommand({
        Bucket: address.bucket,
        Key: address.key,
        ...(etag === undefined ? {} : { IfMatch: etag }),
        ...(range === undefined ? {} : { Range: range }),
      }),
      signal ? { abortSignal: signal } : {},
    );
    etag ??= answer.ETag;
    const end = received + (answer.ContentLength ?? 0);
    try {
      for await (const piece of bytesOf(answer.Body)) {
        breaks = 0;
        received += piece.length;
        yield piece;
      }
      if (received >= end) return;
    } catch {
      signal?.throwIfAborted();
      // All bytes are there, so that what failed is their checksum: more of them would help nobody.
      if (received >= end) throw broken(address, `content of ${s3Uri(address)} that does not have its checksum`);
    }
    breaks += 1;
    if (breaks > BREAKS) throw broken(address, `a connection that broke ${breaks} times at byte ${received} of ${end}`);
  }
}

function broken(address: S3Address, received: string) {
  return fail('STORAGE_IO', {
    received: `${received} when reading ${s3Uri(address)}`,
    expected: 'the object as it was written',
    next: 'check the store and the network; a run tries again by itself',
  });
}

/** Nothing for an answer without a body. The SDK's type of a body is that of every platform at once. */
async function* bytesOf(body: unknown): AsyncGenerator<Uint8Array, void, undefined> {
  if (body instanceof Readable) for await (const piece of body) if (piece instanceof Uint8Array) yield piece;
}

/** False if there is an object of that name, unless it is the one that this call wrote without hearing of it. */
export async function putIfAbsent(client: S3Client, address: S3Address, content: Buffer | string): Promise<boolean> {
  const { bucket: Bucket, key: Key } = address;
  const writer = crypto.randomUUID();
  try {
    await client.send(
      new PutObjectCommand({ Bucket, Key, Body: content, IfNoneMatch: '*', Metadata: { [WRITER]: writer } }),
    );
    return true;
  } catch (error) {
    // 409: another conditional write of that name was going on at the same time.
    if (!isConditionFailed(error) && s3Failure(error).status !== 409) throw error;
    const found = await writerOf(client, address);
    // Neither was there anything nor could it be written: tried again, it will be clear.
    if (found === undefined) throw error;
    return found === writer;
  }
}

export async function put(client: S3Client, { bucket, key }: S3Address, content: Buffer | string): Promise<void> {
  await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: content }));
}

/** Sends a local file, in parts if it is large; one that fails or is aborted leaves no unfinished upload. */
export async function upload(client: S3Client, file: string, address: S3Address, transfer: Transfer): Promise<void> {
  const { signal, onProgress } = transfer;
  signal.throwIfAborted();
  const { size } = await stat(file);
  const writer = crypto.randomUUID();
  const abortController = new AbortController();
  const sending = new Upload({
    client,
    params: {
      Bucket: address.bucket,
      Key: address.key,
      Body: createReadStream(file, { highWaterMark: READ_BYTES }),
      ContentLength: size,
      Metadata: { [WRITER]: writer },
    },
    partSize: PART_BYTES,
    queueSize: PARTS_AT_ONCE,
    abortController,
  });
  if (onProgress) sending.on('httpUploadProgress', onProgress);
  const abort = () => abortController.abort();
  signal.addEventListener('abort', abort);
  try {
    await sending.done();
  } catch (error) {
    signal.throwIfAborted();
    // The answer to the completion got lost, and the upload that it is asked for again is no more.
    const completed = s3Failure(error).name === 'NoSuchUpload' && (await writerOf(client, address)) === writer;
    if (!completed) throw error;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** Who wrote the object: empty for somebody else's tool, undefined if there is none. */
async function writerOf(client: S3Client, { bucket, key }: S3Address): Promise<string | undefined> {
  try {
    const { Metadata } = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: key }));
    return Metadata?.[WRITER] ?? '';
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}
