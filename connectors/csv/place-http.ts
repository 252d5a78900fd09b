import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { fail } from '../../contracts/errors.ts';
import { writeScratchFile } from '../storage/scratch-file.ts';
import type { Transfer } from '../storage/storage.ts';
import type { FilePlace } from './file-place.ts';
import type { FoundFile } from './files.ts';
import { changed } from './files.ts';
import type { HttpAddress } from './http-address.ts';
import { httpAddress } from './http-address.ts';
import { inspectHttp, receiveHttp } from './http-receive.ts';

const CONTENT = 'sha256:';

/**
 * Files on web servers, each named by its whole address. What tells a content from another is its ETag, or its time and
 * size, or where the server tells neither, the content itself, which is then read for it.
 */
export class HttpFiles implements FilePlace {
  /** Addresses as the job gives them; what is secret in one is found here again by its name. */
  readonly #locations: () => readonly string[];
  readonly #silence: { readonly silenceMs?: number };

  constructor(locations: () => readonly string[], silence: { readonly silenceMs?: number } = {}) {
    this.#locations = locations;
    this.#silence = silence;
  }

  async find(location: string, signal: AbortSignal): Promise<FoundFile[]> {
    const address = httpAddress(location);
    const file = await inspectHttp(address, { signal, ...this.#silence });
    if (file === undefined) return [];
    const { bytes, mtimeMs = 0, version } = file;
    if (bytes !== undefined && version !== undefined) return [{ path: address.name, bytes, mtimeMs, digest: version }];
    const content = await this.#readThrough(address, signal);
    return [{ path: address.name, bytes: content.bytes, mtimeMs, digest: version ?? content.digest }];
  }

  /** To be found is to have been read from. */
  async requireReadable(): Promise<void> {}

  async digestOf({ path: name, digest }: FoundFile, signal: AbortSignal): Promise<string> {
    return digest ?? (await this.#readThrough(this.#addressOf(name), signal)).digest;
  }

  stored(name: string, signal: AbortSignal): AsyncIterable<Uint8Array> {
    return receiveHttp(this.#addressOf(name), { signal, ...this.#silence });
  }

  async fetch({ path: name, digest }: FoundFile, target: string, transfer: Transfer): Promise<void> {
    const byContent = digest?.startsWith(CONTENT) ?? false;
    const version = digest === undefined || byContent ? {} : { version: digest };
    const pieces = receiveHttp(this.#addressOf(name), { signal: transfer.signal, ...version, ...this.#silence });
    const hash = createHash('sha256');
    const hashed = async function* () {
      for await (const piece of pieces) {
        hash.update(piece);
        yield piece;
      }
    };
    await writeScratchFile(target, byContent ? hashed() : pieces, transfer);
    if (byContent && digest !== `${CONTENT}${hash.digest('hex')}`) {
      await rm(target, { force: true });
      throw changed(name, 'changed');
    }
  }

  #addressOf(name: string): HttpAddress {
    const address = this.#locations()
      .map(httpAddress)
      .find((one) => one.name === name);
    if (address !== undefined) return address;
    throw fail('SOURCE_NOT_FOUND', {
      received: `${name}, which the job does not name any more`,
      expected: 'the address that the run was planned with',
      next: 'start the run again',
    });
  }

  async #readThrough(address: HttpAddress, signal: AbortSignal): Promise<{ bytes: number; digest: string }> {
    const hash = createHash('sha256');
    let bytes = 0;
    for await (const piece of receiveHttp(address, { signal, ...this.#silence })) {
      hash.update(piece);
      bytes += piece.length;
    }
    return { bytes, digest: `${CONTENT}${hash.digest('hex')}` };
  }
}
