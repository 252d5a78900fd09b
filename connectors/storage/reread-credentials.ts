import type { CredentialSource, S3Credentials } from './s3-client.ts';

/**
 * Keys that are read again where they came from when a store refuses them: they may have been replaced there while this
 * process runs.
 */
export class RereadCredentials implements CredentialSource {
  readonly #reread: () => Promise<S3Credentials | undefined>;
  #known: S3Credentials;
  #refused = false;
  #reading: Promise<S3Credentials> | undefined;

  constructor(known: S3Credentials, reread: () => Promise<S3Credentials | undefined>) {
    this.#known = known;
    this.#reread = reread;
  }

  /** Fails as reading them does. */
  async current(): Promise<S3Credentials> {
    if (!this.#refused) return this.#known;
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  refused(credentials: S3Credentials): void {
    // An answer that was long on its way says nothing of others that were read since.
    if (sameKeys(credentials, this.#known)) this.#refused = true;
  }

  async #read(): Promise<S3Credentials> {
    this.#known = (await this.#reread()) ?? this.#known;
    this.#refused = false;
    return this.#known;
  }
}

function sameKeys(one: S3Credentials, other: S3Credentials): boolean {
  return (
    one.accessKeyId === other.accessKeyId &&
    one.secretAccessKey === other.secretAccessKey &&
    one.sessionToken === other.sessionToken
  );
}
