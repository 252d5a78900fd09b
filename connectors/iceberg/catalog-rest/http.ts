import { setTimeout as sleep } from 'node:timers/promises';
import type { Json } from '../json.ts';
import { parseJson, writeJson } from '../json.ts';

/** One request to a server that speaks JSON. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  /** With its scheme. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** An object is sent as JSON, parameters as a form. */
  readonly body?: object | URLSearchParams;
  readonly timeoutMs: number;
}

export interface HttpAnswer {
  readonly status: number;
  /** Undefined for an answer that is not JSON. */
  readonly body: Json | undefined;
  /** How long the server asks to wait before the next request. */
  readonly retryAfterMs: number | undefined;
}

/** No answer came. */
export class NoAnswer extends Error {
  /** A code of Node's or of its HTTP client; never a text of the server's. */
  readonly code: string;
  /** False where the server cannot have seen the request. */
  readonly mayHaveArrived: boolean;

  constructor(code: string) {
    super(code);
    this.name = 'NoAnswer';
    this.code = code;
    this.mayHaveArrived = !NEVER_SENT.test(code);
  }
}

/** No connection was made, or none to a server that is who it should be. */
const NEVER_SENT =
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT|SELF_SIGNED_CERT|DEPTH_ZERO|UNABLE_TO_|CERT_|ERR_TLS)/;

/** Sends one request once. Throws NoAnswer. */
export async function send({ method, url, headers, body, timeoutMs }: HttpRequest): Promise<HttpAnswer> {
  const isForm = body instanceof URLSearchParams;
  try {
    const response = await fetch(url, {
      method,
      headers: {
        accept: 'application/json',
        ...(body === undefined || isForm ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: isForm ? body : writeJson(body) }),
      signal: AbortSignal.timeout(timeoutMs),
    });
    const text = await response.text();
    const seconds = Number(response.headers.get('retry-after') ?? '');
    return {
      status: response.status,
      body: jsonOf(text),
      retryAfterMs: seconds > 0 ? seconds * 1000 : undefined,
    };
  } catch (error) {
    throw new NoAnswer(codeOf(error));
  }
}

const ATTEMPTS = 4;
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 10_000;
/** Statuses that may pass: asked for patience, or the server or one before it failed. */
const MAY_PASS = [429, 500, 502, 503, 504];

/** Sends a request that may be done twice until it is answered, a few times. `make` is asked before each. */
export async function sendPatiently(make: () => Promise<HttpAnswer>): Promise<HttpAnswer> {
  for (let attempt = 1; ; attempt += 1) {
    const last = attempt === ATTEMPTS;
    let pause = FIRST_PAUSE_MS * 2 ** attempt * Math.random();
    try {
      const answer = await make();
      if (last || !MAY_PASS.includes(answer.status)) return answer;
      pause = Math.min(answer.retryAfterMs ?? pause, LONGEST_PAUSE_MS);
    } catch (error) {
      if (last || !(error instanceof NoAnswer)) throw error;
    }
    await sleep(pause);
  }
}

function jsonOf(text: string): Json | undefined {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}

/** `fetch` hides what happened in a chain of causes. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'UNKNOWN';
  if (error.name === 'TimeoutError') return 'ETIMEDOUT';
  if ('code' in error && typeof error.code === 'string' && /^[A-Z][A-Z0-9_]+$/.test(error.code)) return error.code;
  return error.cause === undefined ? 'UNKNOWN' : codeOf(error.cause);
}
