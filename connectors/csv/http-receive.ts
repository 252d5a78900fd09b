import { setTimeout as sleep } from 'node:timers/promises';
import { fail, hasErrnoCode } from '../../contracts/errors.ts';
import { changed } from './files.ts';
import type { HttpAddress } from './http-address.ts';

const ATTEMPTS = 6;
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 10_000;
/** How long a server may be silent before the connection is given up. */
const SILENCE_MS = 30_000;

/** What an answer says about the file. */
export interface HttpFile {
  /** Undefined where the server does not tell. */
  readonly bytes: number | undefined;
  readonly mtimeMs: number | undefined;
  /** Changes whenever the content does; undefined where the server does not tell. */
  readonly version: string | undefined;
}

export interface HttpOptions {
  readonly signal: AbortSignal;
  readonly silenceMs?: number;
}

/** Asks for the first byte only: unlike HEAD, which presigned addresses and many servers refuse. */
export async function inspectHttp(address: HttpAddress, options: HttpOptions): Promise<HttpFile | undefined> {
  await using answer = await ask(address, { range: 'bytes=0-0' }, options);
  if (answer.response.status === 404 || answer.response.status === 410) return undefined;
  requireContent(address, answer.response);
  return describe(answer.response);
}

/**
 * The content from its start. When the connection breaks, the rest is asked for if the server can give parts, else
 * all of it again. `version` is what the file must still be.
 */
export async function* receiveHttp(
  address: HttpAddress,
  options: HttpOptions & { readonly version?: string },
): AsyncGenerator<Uint8Array, void, undefined> {
  const { signal } = options;
  let { version } = options;
  let received = 0;
  for (let breaks = 0; ; ) {
    const range: Record<string, string> = received === 0 ? {} : { range: `bytes=${received}-` };
    await using answer = await ask(address, range, options);
    const { response } = answer;
    if (response.status === 404 || response.status === 410) throw changed(address.name, 'disappeared');
    // Shorter than what was received of it.
    if (response.status === 416) throw changed(address.name, 'changed');
    requireContent(address, response);
    const now = describe(response);
    if (version !== undefined && now.version !== version) throw changed(address.name, 'changed');
    version = now.version;
    // A server that sends everything again has sent what is here already.
    let skip = response.status === 206 ? 0 : received;
    try {
      for await (const piece of answer.body()) {
        const fresh = piece.subarray(Math.min(skip, piece.length));
        skip -= piece.length - fresh.length;
        if (fresh.length === 0) continue;
        breaks = 0;
        received += fresh.length;
        yield fresh;
      }
      if (now.bytes === undefined || received >= now.bytes) return;
    } catch {
      signal.throwIfAborted();
    }
    breaks += 1;
    if (breaks >= ATTEMPTS) throw unreachable(address, `a connection that broke ${breaks} times at byte ${received}`);
    await pause(breaks, undefined, signal);
  }
}

interface Answer extends AsyncDisposable {
  readonly response: Response;
  body(): AsyncIterable<Uint8Array>;
}

/** Sends a request until it is answered with something that does not pass by itself. */
async function ask(
  { url, headers, name }: HttpAddress,
  range: Readonly<Record<string, string>>,
  { signal, silenceMs = SILENCE_MS }: HttpOptions,
): Promise<Answer> {
  for (let attempt = 1; ; attempt += 1) {
    const silence = new Silence(silenceMs);
    let failure: string;
    let retryAfter: string | null = null;
    try {
      const response = await fetch(url, {
        // Sizes and parts are those of the file as it is stored.
        headers: { ...headers, ...range, 'accept-encoding': 'identity' },
        signal: AbortSignal.any([signal, silence.signal]),
      });
      if (response.status !== 429 && response.status < 500) return answerOf(response, silence);
      failure = `HTTP status ${response.status}`;
      retryAfter = response.headers.get('retry-after');
      await response.body?.cancel();
    } catch (error) {
      signal.throwIfAborted();
      failure = silence.signal.aborted ? `no word for ${silenceMs / 1000} s` : causeOf(error);
    } finally {
      silence.heard();
    }
    silence.stop();
    if (attempt === ATTEMPTS) throw unreachable({ name }, failure);
    await pause(attempt, retryAfter, signal);
  }
}

function answerOf(response: Response, silence: Silence): Answer {
  return {
    response,
    async *body() {
      if (response.body === null) return;
      for await (const piece of response.body) {
        silence.heard();
        yield piece;
      }
    },
    async [Symbol.asyncDispose]() {
      silence.stop();
      // Of what was not read to its end nothing more is wanted; what broke has been told.
      if (response.body !== null && !response.body.locked) await response.body.cancel().catch(() => undefined);
    },
  };
}

/** Aborts when nothing was heard for a while. */
class Silence {
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;

  constructor(ms: number) {
    this.#timer = setTimeout(() => this.#controller.abort(), ms);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  heard(): void {
    this.#timer.refresh();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}

async function pause(attempt: number, retryAfter: string | null | undefined, signal: AbortSignal): Promise<void> {
  const backoff = FIRST_PAUSE_MS * 2 ** (attempt - 1) * (0.5 + Math.random());
  const wished = Number(retryAfter ?? 0) * 1000;
  await sleep(Math.min(Math.max(backoff, wished || 0), LONGEST_PAUSE_MS), undefined, { signal });
}

/** Errors: SOURCE_UNREADABLE for an answer without the file. */
function requireContent({ name }: HttpAddress, { status }: Response): void {
  // 416: an empty file has no first byte.
  if (status === 200 || status === 206 || status === 416) return;
  const forbidden = status === 401 || status === 403;
  throw fail('SOURCE_UNREADABLE', {
    received: `HTTP status ${status} for ${name}`,
    expected: forbidden ? 'an address that gives access to the file' : 'a file at that address',
    next: forbidden ? 'correct its user, password or signature; it may have expired' : 'check the address',
  });
}

function describe({ status, headers }: Response): HttpFile {
  const whole = /\/(\d+)$/.exec(headers.get('content-range') ?? '')?.[1];
  const length = headers.get('content-encoding') ? null : headers.get('content-length');
  const told = status === 200 ? length : (whole ?? null);
  const bytes = told === null ? undefined : Number(told);
  const modified = headers.get('last-modified');
  const modifiedMs = modified === null ? Number.NaN : Date.parse(modified);
  const etag = headers.get('etag');
  return {
    bytes,
    mtimeMs: Number.isNaN(modifiedMs) ? undefined : modifiedMs,
    version: etag ?? (modified === null ? undefined : `${modified} ${bytes ?? ''}`.trim()),
  };
}

/** The operating system's or TLS's code alone: messages may quote an address with its secrets. */
function causeOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return hasErrnoCode(cause) ? cause.code : hasErrnoCode(error) ? error.code : 'a failed connection';
}

function unreachable({ name }: Pick<HttpAddress, 'name'>, received: string) {
  return fail('SOURCE_UNREACHABLE', {
    received: `${received} when reading ${name}`,
    expected: 'the server to answer',
    next: 'check the address and the network; a run tries again by itself',
  });
}
