import type { LentAccess } from './lent-access.ts';
import type { CredentialSource, S3Credentials } from './s3-client.ts';

type Lent = Pick<LentAccess, 'credentials' | 'renew'>;

/** Longest time before their end at which credentials are renewed: a request may be tried again for a while. */
const AHEAD_MS = 5 * 60_000;
/** Part of a short life that is left when they are renewed. */
const AHEAD_PART = 0.2;

/** Credentials that whoever lent them is asked for again before they end, and when a store refuses them. */
export class LentCredentials implements CredentialSource {
  readonly #now: () => number;
  #lent: Lent;
  #renewAtMs = 0;
  #isRefused = false;
  #renewing: Promise<S3Credentials> | undefined;

  constructor(lent: Lent, now: () => number = Date.now) {
    this.#lent = lent;
    this.#now = now;
    this.replace(lent);
  }

  /** Lent anew. */
  replace(lent: Lent): void {
    this.#lent = lent;
    this.#isRefused = false;
    const endsAtMs = lent.credentials.expiration?.getTime() ?? Number.POSITIVE_INFINITY;
    const livesMs = Math.max(0, endsAtMs - this.#now());
    this.#renewAtMs = endsAtMs - Math.min(AHEAD_MS, livesMs * AHEAD_PART);
  }

  /** Fails as the lender does, if what there is does not hold any more. */
  async current(): Promise<S3Credentials> {
    if (!this.#isRefused && this.#now() < this.#renewAtMs) return this.#lent.credentials;
    this.#renewing ??= this.#renew().finally(() => {
      this.#renewing = undefined;
    });
    return this.#renewing;
  }

  refused(credentials: S3Credentials): void {
    // An answer that was long on its way says nothing of others that came since.
    if (credentials.accessKeyId !== this.#lent.credentials.accessKeyId) return;
    if (credentials.sessionToken === this.#lent.credentials.sessionToken) this.#isRefused = true;
  }

  async #renew(): Promise<S3Credentials> {
    const { credentials, renew } = this.#lent;
    const endsAtMs = credentials.expiration?.getTime() ?? Number.POSITIVE_INFINITY;
    try {
      this.replace({ credentials: (await renew()) ?? credentials, renew });
    } catch (error) {
      // The lender may be away for a moment.
      if (this.#isRefused || this.#now() >= endsAtMs) throw error;
    }
    return this.#lent.credentials;
  }
}
