import { once } from 'node:events';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import http from 'node:http';
import https from 'node:https';
import { LOOPBACK } from '../../worker/dev-server/ports.ts';
import type { Certificate } from './certificates.ts';

type Values = Readonly<Record<string, unknown>>;

/**
 * A stand-in for HashiCorp Vault, whose server no package registry has. It answers what Vault's published HTTP API says
 * of the paths that are asked: KV version 1 (mounted at `kv/`) and 2 (`secret/`), logins by AppRole and Kubernetes, and
 * where an engine is mounted.
 */
export class VaultStandIn implements AsyncDisposable {
  /** What Vault would let in; changed by tests. */
  readonly tokens = new Set(['root-token']);
  readonly plain = new Map<string, Values>();
  /** Versions of each secret, the first one at index 0; null for one that was deleted. */
  readonly versioned = new Map<string, (Values | null)[]>();
  readonly approles = new Map<string, string>();
  readonly serviceAccounts = new Map<string, string>();
  namespace: string | undefined;
  sealed = false;
  leaseSeconds = 3600;
  /** Method and path of each request, as it came. */
  readonly requests: string[] = [];
  readonly #server: http.Server;
  readonly #scheme: string;
  #logins = 0;

  private constructor(tls: (Certificate & { readonly clientAuthority?: string }) | undefined) {
    const listener: RequestListener = (request, response) => {
      this.#answer(request, response).catch(() => response.destroy());
    };
    const { clientAuthority: ca } = tls ?? {};
    const client = ca === undefined ? {} : { ca, requestCert: true, rejectUnauthorized: true };
    this.#server = tls
      ? https.createServer({ cert: tls.cert, key: tls.key, ...client }, listener)
      : http.createServer(listener);
    this.#scheme = tls ? 'https' : 'http';
  }

  static async start(tls?: Certificate & { readonly clientAuthority?: string }): Promise<VaultStandIn> {
    const vault = new VaultStandIn(tls);
    vault.#server.listen(0, LOOPBACK);
    await once(vault.#server, 'listening');
    return vault;
  }

  get address(): string {
    const address = this.#server.address();
    return `${this.#scheme}://${LOOPBACK}:${typeof address === 'object' ? address?.port : ''}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.requests.push(`${request.method} ${request.url}`);
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(Buffer.from(piece));
    const body: unknown = pieces.length === 0 ? {} : JSON.parse(Buffer.concat(pieces).toString());
    const [status, answer] = this.#respond(request, body as Readonly<Record<string, string>>);
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  }

  #respond({ method, url = '', headers }: IncomingMessage, body: Readonly<Record<string, string>>): [number, object] {
    const { pathname, searchParams } = new URL(url, 'http://vault');
    const path = decodeURIComponent(pathname).replace('/v1/', '');
    if (this.sealed) return [503, { errors: ['Vault is sealed'] }];
    if (this.namespace !== undefined && headers['x-vault-namespace'] !== this.namespace) return REFUSED;
    if (method === 'POST') return this.#login(path, body);
    if (!this.tokens.has(String(headers['x-vault-token']))) return REFUSED;
    if (path.startsWith('sys/internal/ui/mounts/')) return mountOf(path.slice('sys/internal/ui/mounts/'.length));
    if (path.startsWith('kv/')) {
      const data = this.plain.get(path.slice('kv/'.length));
      return data ? [200, { data, lease_duration: 2764800, renewable: false }] : NOTHING;
    }
    if (!path.startsWith('secret/')) return REFUSED;
    if (!path.startsWith('secret/data/'))
      return [404, { errors: [], warnings: ['Invalid path for a versioned K/V secrets engine.'] }];
    const versions = this.versioned.get(path.slice('secret/data/'.length)) ?? [];
    const version = Number(searchParams.get('version') ?? versions.length);
    const data = versions[version - 1];
    if (data === undefined) return NOTHING;
    const metadata = { version, created_time: '2026-01-01T00:00:00Z', deletion_time: '', destroyed: false };
    return [data === null ? 404 : 200, { data: { data, metadata } }];
  }

  #login(path: string, body: Readonly<Record<string, string>>): [number, object] {
    if (path === 'auth/approle/login') {
      if (this.approles.get(body['role_id'] ?? '') !== body['secret_id'])
        return [400, { errors: ['invalid role or secret ID'] }];
    } else if (path === 'auth/k8s/prod/login') {
      if (this.serviceAccounts.get(body['role'] ?? '') !== body['jwt']) return REFUSED;
    } else return REFUSED;
    this.#logins += 1;
    const token = `login-${this.#logins}`;
    this.tokens.add(token);
    return [200, { auth: { client_token: token, lease_duration: this.leaseSeconds, renewable: true } }];
  }
}

const REFUSED: [number, object] = [403, { errors: ['permission denied'] }];
const NOTHING: [number, object] = [404, { errors: [] }];

function mountOf(path: string): [number, object] {
  if (path.startsWith('secret/')) return [200, { data: { path: 'secret/', type: 'kv', options: { version: '2' } } }];
  if (path.startsWith('kv/')) return [200, { data: { path: 'kv/', type: 'kv', options: { version: '1' } } }];
  return REFUSED;
}
