import { z } from 'zod';
import { DativoError } from '../../../contracts/errors.ts';
import type { CatalogSpec } from '../../../contracts/job-catalog.ts';
import { notProtocol, refused, unanswered } from './errors.ts';
import type { HttpAnswer } from './http.ts';
import { send, sendPatiently } from './http.ts';

/** What a request shows the catalog to be let in. */
export interface RestAuth {
  /** Value of the Authorization header; undefined for a catalog that asks for none. */
  header(): Promise<string | undefined>;
  /** After a refusal: true if there is something new to show. */
  renew(): Promise<boolean>;
}

/** A new token is asked for when less than this is left of the old one. */
const RENEW_BEFORE_MS = 60_000;
const TIMEOUT_MS = 30_000;

const tokenAnswer = z.object({ access_token: z.string().min(1), expires_in: z.number().optional() });

/**
 * How a catalog's settings let in. `reread` resolves the settings again: a token in a file may have been replaced.
 */
export function authOf(spec: CatalogSpec, address: string, reread: () => Promise<CatalogSpec>): RestAuth {
  if (spec.credential !== undefined) return new ClientCredentials(spec, address, reread);
  let { token } = spec;
  return {
    header: async () => (token === undefined ? undefined : `Bearer ${token}`),
    async renew() {
      const before = token;
      token = (await reread()).token;
      return token !== before;
    },
  };
}

/** OAuth2's client credentials (RFC 6749, 4.4), with the token renewed before it expires. */
class ClientCredentials implements RestAuth {
  #spec: CatalogSpec;
  readonly #address: string;
  readonly #reread: () => Promise<CatalogSpec>;
  #token: Promise<{ readonly value: string; readonly renewAt: number }> | undefined;
  #renewing: Promise<void> | undefined;

  constructor(spec: CatalogSpec, address: string, reread: () => Promise<CatalogSpec>) {
    this.#spec = spec;
    this.#address = address;
    this.#reread = reread;
  }

  async header(): Promise<string> {
    const { value, renewAt } = await this.#current();
    if (Date.now() < renewAt) return `Bearer ${value}`;
    await this.renew();
    return `Bearer ${(await this.#current()).value}`;
  }

  /** One question for all who need a token at the same time. */
  #current(): Promise<{ readonly value: string; readonly renewAt: number }> {
    this.#token ??= this.#ask();
    return this.#token;
  }

  async renew(): Promise<boolean> {
    // One reading and one question for all who were refused at the same time.
    this.#renewing ??= this.#renew().finally(() => {
      this.#renewing = undefined;
    });
    await this.#renewing;
    return true;
  }

  async #renew(): Promise<void> {
    this.#spec = await this.#reread();
    this.#token = this.#ask();
    await this.#token;
  }

  /** A credential that is refused is read again once: it may have been replaced. */
  async #ask(): Promise<{ value: string; renewAt: number }> {
    try {
      return await this.#askOnce().catch(async (error: unknown) => {
        const { credential } = this.#spec;
        if (!(error instanceof DativoError) || error.code !== 'CATALOG_DENIED') throw error;
        this.#spec = await this.#reread();
        if (this.#spec.credential === credential) throw error;
        return this.#askOnce();
      });
    } catch (error) {
      // The next request asks again.
      this.#token = undefined;
      throw error;
    }
  }

  async #askOnce(): Promise<{ value: string; renewAt: number }> {
    const { credential = '', scope, audience } = this.#spec;
    const separator = credential.indexOf(':');
    const body = new URLSearchParams({
      grant_type: 'client_credentials',
      ...(separator < 0 ? {} : { client_id: credential.slice(0, separator) }),
      client_secret: credential.slice(separator + 1),
      ...(scope === undefined ? {} : { scope }),
      ...(audience === undefined ? {} : { audience }),
    });
    const url = this.#spec.oauth2_server_uri ?? `${this.#address}/v1/oauth/tokens`;
    const doing = 'when asking for a token';
    try {
      const answer = await sendPatiently(() => send({ method: 'POST', url, headers: {}, body, timeoutMs: TIMEOUT_MS }));
      return this.#read(answer, url, doing);
    } catch (error) {
      throw unanswered(error, url, doing);
    }
  }

  #read(answer: HttpAnswer, url: string, doing: string) {
    // A wrong secret is "invalid_client", with status 400 or 401.
    if (answer.status === 400) throw refused({ ...answer, status: 401 }, url, doing);
    if (answer.status !== 200) throw refused(answer, url, doing);
    const parsed = tokenAnswer.safeParse(answer.body);
    if (!parsed.success) throw notProtocol(url, doing);
    const lifetimeMs = (parsed.data.expires_in ?? 3600) * 1000;
    const renewAt = Date.now() + Math.max(lifetimeMs - RENEW_BEFORE_MS, lifetimeMs / 2);
    return { value: parsed.data.access_token, renewAt };
  }
}
