import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { LOOPBACK } from '../../worker/dev-server/ports.ts';

export interface FrontRequest {
  readonly method: string;
  /** Below the address of the front. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface FrontAnswer {
  readonly status: number;
  readonly body: unknown;
}

export interface CatalogFront extends AsyncDisposable {
  readonly uri: string;
  /** Every request so far, oldest first. */
  readonly requests: readonly FrontRequest[];
}

export interface FrontOptions {
  /** Answers in the server's place; undefined passes the request on. */
  readonly answer?: (request: FrontRequest) => FrontAnswer | undefined;
  /** Changes what the server answered; JSON with its integers as JavaScript reads them. */
  readonly change?: (request: FrontRequest, answer: FrontAnswer) => FrontAnswer;
}

/** Stands before a REST catalog as another kind of server: one with other rules, other answers, or other abilities. */
export async function startCatalogFront(target: string, options: FrontOptions): Promise<CatalogFront> {
  const requests: FrontRequest[] = [];
  const relay = async (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const { pathname: path, searchParams: query } = new URL(incoming.url ?? '/', target);
    const { method = 'GET', headers } = incoming;
    const request: FrontRequest = { method, path, query, headers, body: await text(incoming) };
    requests.push(request);
    const { status, body } = options.answer?.(request) ?? (await passedOn(target, request, options));
    outgoing.writeHead(status, { 'content-type': 'application/json' });
    outgoing.end(typeof body === 'string' ? body : JSON.stringify(body));
  };
  const server = createServer((incoming, outgoing) => {
    relay(incoming, outgoing).catch(() => outgoing.writeHead(502).end());
  });
  await new Promise<void>((resolve) => server.listen(0, LOOPBACK, resolve));
  return {
    uri: `http://${LOOPBACK}:${(server.address() as AddressInfo).port}`,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

async function passedOn(target: string, request: FrontRequest, { change }: FrontOptions): Promise<FrontAnswer> {
  const { method, path, query, body } = request;
  const suffix = query.size === 0 ? '' : `?${query}`;
  const response = await fetch(`${target}${path}${suffix}`, {
    method,
    headers: { 'content-type': request.headers['content-type'] ?? 'application/json' },
    ...(body === '' ? {} : { body }),
  });
  const answered = await response.text();
  // Untouched answers stay as they are, byte for byte: their ids have 63 bits.
  if (change === undefined) return { status: response.status, body: answered };
  const before: FrontAnswer = { status: response.status, body: answered === '' ? '' : JSON.parse(answered) };
  const after = change(request, before);
  return after === before ? { status: response.status, body: answered } : after;
}
