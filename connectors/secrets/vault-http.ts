import type { IncomingMessage } from 'node:http';
import http from 'node:http';
import https from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { fail, hasErrnoCode } from '../../contracts/errors.ts';
import type { SecretReference } from '../../contracts/secret.ts';
import { secretName } from '../../contracts/secret.ts';
import { storeUnavailable } from './errors.ts';
import type { VaultSettings } from './vault-settings.ts';

/** One question to Vault's HTTP API. */
export interface VaultQuestion {
  readonly method: 'GET' | 'POST';
  /** Below `/v1/`, encoded. */
  readonly path: string;
  readonly token?: string;
  readonly body?: Readonly<Record<string, string>>;
}

export interface VaultAnswer {
  readonly status: number;
  /** Undefined for an answer that is not JSON. */
  readonly body: unknown;
}

/** No answer came; the message is a code of Node's. */
export class NoVaultAnswer extends Error {}

const ATTEMPTS = 3;
const FIRST_PAUSE_MS = 200;
const LONGEST_BYTES = 4 * 1024 * 1024;
/** Asked for patience, a standby that lags behind (Enterprise), or a failure of the server (API, "HTTP status codes"). */
const MAY_PASS = [412, 429, 500, 502, 503, 504];
/** What Node says of a certificate that it does not trust, or of ours that is missing. */
const CERTIFICATE = /CERT|UNABLE_TO_(VERIFY|GET)|ERR_SSL|ERR_TLS/;
/** A standby may send to the active node; more than one step of that is a mistake. */
const REDIRECTS = [301, 302, 307, 308];

/** Asks until it is answered, a few times: reading and logging in may both be done twice. Throws NoVaultAnswer. */
export async function askVault(settings: VaultSettings, question: VaultQuestion): Promise<VaultAnswer> {
  for (let attempt = 1; ; attempt += 1) {
    const last = attempt === ATTEMPTS;
    try {
      const answer = await askOnce(settings, question);
      if (last || !MAY_PASS.includes(answer.status)) return answer;
    } catch (error) {
      if (last || !(error instanceof NoVaultAnswer)) throw error;
    }
    await sleep(FIRST_PAUSE_MS * 2 ** attempt * Math.random());
  }
}

/** A question that was not answered, in the words of the catalogue; any other error passes unchanged. */
export function unanswered(error: unknown, reference: SecretReference): unknown {
  if (!(error instanceof NoVaultAnswer)) return error;
  if (!CERTIFICATE.test(error.message)) return storeUnavailable(reference, `${error.message} from Vault`);
  return fail('SECRET_DENIED', {
    received: `${error.message} from Vault for the secret ${secretName(reference)}`,
    expected: 'a certificate that is trusted here, and one of ours that Vault trusts if it asks for one',
    next: 'name the authority with VAULT_CACERT, and our own with VAULT_CLIENT_CERT and VAULT_CLIENT_KEY',
  });
}

async function askOnce(settings: VaultSettings, question: VaultQuestion): Promise<VaultAnswer> {
  const url = new URL(`${settings.address}/v1/${question.path}`);
  const first = await send(settings, question, url);
  if (!REDIRECTS.includes(first.status) || first.location === undefined) return first;
  const next = new URL(first.location, url);
  // A token goes nowhere unencrypted that began encrypted.
  if (url.protocol === 'https:' && next.protocol !== 'https:') return first;
  return send(settings, question, next);
}

/** With Node's own client: `fetch` cannot be told of a certificate authority. */
function send(
  { namespace, timeoutMs, tls }: VaultSettings,
  { method, token, body }: VaultQuestion,
  url: URL,
): Promise<VaultAnswer & { readonly location: string | undefined }> {
  const content = body === undefined ? undefined : JSON.stringify(body);
  const headers = {
    accept: 'application/json',
    'x-vault-request': 'true',
    ...(namespace === undefined ? {} : { 'x-vault-namespace': namespace }),
    ...(token === undefined ? {} : { 'x-vault-token': token }),
    ...(content === undefined
      ? {}
      : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(content) }),
  };
  const options = { method, headers, signal: AbortSignal.timeout(timeoutMs) };
  return new Promise((resolve, reject) => {
    const failed = (error: unknown) => reject(new NoVaultAnswer(codeOf(error)));
    const answered = (response: IncomingMessage) => {
      textOf(response).then((text) => {
        resolve({ status: response.statusCode ?? 0, body: jsonOf(text), location: response.headers.location });
      }, failed);
    };
    const request =
      url.protocol === 'https:'
        ? https.request(url, { ...options, ...tls }, answered)
        : http.request(url, options, answered);
    request.on('error', failed);
    request.end(content);
  });
}

async function textOf(response: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of response) {
    const chunk = Buffer.from(piece);
    bytes += chunk.length;
    if (bytes > LONGEST_BYTES) throw new RangeError('an answer that is longer than a secret can be');
    pieces.push(chunk);
  }
  return Buffer.concat(pieces).toString('utf8');
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function codeOf(error: unknown): string {
  if (error instanceof Error && error.name === 'TimeoutError') return 'ETIMEDOUT';
  if (error instanceof Error && error.name === 'AbortError') return 'ETIMEDOUT';
  return hasErrnoCode(error) && /^[A-Z][A-Z0-9_]+$/.test(error.code) ? error.code : 'no answer';
}
