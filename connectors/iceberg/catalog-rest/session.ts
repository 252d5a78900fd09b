import { z } from 'zod';
import { fail } from '../../../contracts/errors.ts';
import type { CatalogSpec } from '../../../contracts/job-catalog.ts';
import type { RestAuth } from './auth.ts';
import { authOf } from './auth.ts';
import { errorType, notProtocol, refused, unanswered } from './errors.ts';
import type { HttpAnswer } from './http.ts';
import { send, sendPatiently } from './http.ts';
import type { RestKind } from './kinds.ts';
import { kindOf } from './kinds.ts';
import { VENDED_HEADERS } from './vended.ts';

const TIMEOUT_SECONDS = 60;

const texts = z.record(z.string(), z.string());
const configAnswer = z.object({
  defaults: texts.nullish().transform((given) => given ?? {}),
  overrides: texts.nullish().transform((given) => given ?? {}),
  endpoints: z.array(z.string()).nullish(),
});

/** What the server said about itself. */
interface Config {
  /** Without a slash at the end. */
  readonly address: string;
  /** Path below the address that everything but the configuration is under. */
  readonly root: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly endpoints: ReadonlySet<string>;
}

export interface RestSettings {
  readonly spec: CatalogSpec;
  readonly kind: RestKind;
  /** The settings, resolved again. */
  readonly reread: () => Promise<CatalogSpec>;
}

/** A server of the Iceberg REST protocol that has told how it wants to be asked. */
export class RestSession {
  readonly address: string;
  readonly kind: RestKind;
  /** Whether the server is asked to lend the access to its tables' files. */
  readonly lends: boolean;
  readonly #settings: RestSettings;
  readonly #auth: RestAuth;
  #config: Promise<Config> | undefined;

  constructor(settings: RestSettings) {
    const { spec, kind } = settings;
    const uri = (spec.uri ?? '').replace(/\/+$/, '').replace(/\/v1$/, '');
    this.address = kind.hasReferences && spec.ref !== undefined ? `${uri}/${encodeURIComponent(spec.ref)}` : uri;
    this.kind = kind;
    this.lends = spec.vended_credentials === true;
    this.#settings = settings;
    this.#auth = authOf({ scope: kind.scope, ...spec }, this.address, async () => ({
      scope: kind.scope,
      ...(await settings.reread()),
    }));
  }

  /** Whether the server has an endpoint, named as in its configuration. */
  async has(endpoint: string): Promise<boolean> {
    return (await this.#configured()).endpoints.has(endpoint);
  }

  /** `path` is below the prefix, e.g. `/namespaces`; `doing` a clause for messages. Tried again until it is answered. */
  async get(path: string, doing: string, query: Readonly<Record<string, string>> = {}): Promise<HttpAnswer> {
    const parameters = new URLSearchParams(query).toString();
    return this.#request('GET', `${path}${parameters === '' ? '' : `?${parameters}`}`, undefined, doing, true);
  }

  /** Tried again until it is answered: only for what may be done twice. */
  async repeat(path: string, body: object, doing: string): Promise<HttpAnswer> {
    return this.#request('POST', path, body, doing, true);
  }

  /** Sent once. Throws NoAnswer when it is not answered. */
  async post(path: string, body: object): Promise<HttpAnswer> {
    return this.#send('POST', path, body);
  }

  async #request(
    method: 'GET' | 'POST',
    path: string,
    body: object | undefined,
    doing: string,
    repeatable: boolean,
  ): Promise<HttpAnswer> {
    try {
      const once = () => this.#send(method, path, body);
      return await (repeatable ? sendPatiently(once) : once());
    } catch (error) {
      throw unanswered(error, this.address, doing);
    }
  }

  async #send(method: 'GET' | 'POST', path: string, body: object | undefined): Promise<HttpAnswer> {
    const { address, root, headers } = await this.#configured();
    return this.#authorised(method, `${address}${root}${path}`, headers, body);
  }

  /** A refusal is answered with a new token once: the old one may have expired or been replaced. */
  async #authorised(
    method: 'GET' | 'POST',
    url: string,
    headers: Readonly<Record<string, string>>,
    body: object | undefined,
  ): Promise<HttpAnswer> {
    const once = async () => {
      const authorization = await this.#auth.header();
      const shown = authorization === undefined ? headers : { ...headers, authorization };
      const timeoutMs = (this.#settings.spec.timeout_seconds ?? TIMEOUT_SECONDS) * 1000;
      return send({ method, url, headers: shown, timeoutMs, ...(body === undefined ? {} : { body }) });
    };
    const answer = await once();
    if (answer.status !== 401 && answer.status !== 419) return answer;
    return (await this.#auth.renew()) ? once() : answer;
  }

  async #configured(): Promise<Config> {
    this.#config ??= this.#ask();
    try {
      return await this.#config;
    } catch (error) {
      this.#config = undefined;
      throw error;
    }
  }

  /** Spec: "GET /v1/config"; what the server overrides wins over the client, what it has as defaults does not. */
  async #ask(): Promise<Config> {
    const { spec, kind } = this.#settings;
    const headers = { ...(this.lends ? VENDED_HEADERS : {}), ...spec.headers };
    const query = spec.warehouse === undefined ? '' : `?${new URLSearchParams({ warehouse: spec.warehouse })}`;
    const doing = 'when asking for its configuration';
    const url = `${this.address}/v1/config${query}`;
    const answer = await sendPatiently(() => this.#authorised('GET', url, headers, undefined)).catch(
      (error: unknown) => {
        throw unanswered(error, this.address, doing);
      },
    );
    if (this.#isUnknownWarehouse(answer)) throw unknownWarehouse(this.address);
    if (answer.status !== 200) throw refused(answer, this.address, doing);
    const parsed = configAnswer.safeParse(answer.body);
    if (!parsed.success) throw notProtocol(this.address, doing);
    const { defaults, overrides, endpoints } = parsed.data;
    const properties = { ...defaults, ...overrides };
    const { uri = this.address, prefix } = { ...overrides, ...prefixOf(properties) };
    const named = Object.entries(properties).flatMap(([key, value]) =>
      key.startsWith('header.') ? [[key.slice('header.'.length), value]] : [],
    );
    return {
      address: uri.replace(/\/+$/, ''),
      // The server has encoded it already.
      root: prefix === undefined ? '/v1' : `/v1/${prefix}`,
      headers: { ...headers, ...Object.fromEntries(named) },
      endpoints: new Set(endpoints ?? kind.endpoints),
    };
  }

  #isUnknownWarehouse(answer: HttpAnswer): boolean {
    const { spec, kind } = this.#settings;
    if (spec.warehouse === undefined) return false;
    const { unknownWarehouse: known } = kind;
    return (
      (answer.status === 404 && errorType(answer) !== undefined) ||
      (answer.status === known?.status && errorType(answer) === known.type)
    );
  }
}

const sessions = new Map<string, { readonly session: RestSession; readonly until: number }>();
const SESSIONS_KEPT = 32;
/** A server that was set up anew is asked for its configuration again. */
const SESSION_MS = 10 * 60_000;

/** The server that settings name; one for all who ask with the same ones, since it holds a token. */
export function restSession(spec: CatalogSpec, reread: () => Promise<CatalogSpec>): RestSession {
  const key = JSON.stringify(spec);
  const kept = sessions.get(key);
  if (kept !== undefined && Date.now() < kept.until) return kept.session;
  const session = new RestSession({ spec, kind: kindOf(spec.type), reread });
  sessions.delete(key);
  sessions.set(key, { session, until: Date.now() + SESSION_MS });
  const [oldest] = sessions.keys();
  if (sessions.size > SESSIONS_KEPT && oldest !== undefined) sessions.delete(oldest);
  return session;
}

function prefixOf({ prefix }: Readonly<Record<string, string>>): { readonly prefix?: string } {
  return prefix === undefined || prefix === '' ? {} : { prefix };
}

function unknownWarehouse(address: string) {
  return fail('CATALOG_NOT_FOUND', {
    received: `a warehouse that the catalog at ${address} does not know`,
    expected: 'the name of one of its warehouses',
    next: 'correct target.catalog.warehouse, or create it in the catalog',
  });
}
