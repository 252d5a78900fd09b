import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { LOOPBACK } from '../../worker/dev-server/ports.ts';

/** A file on a web server, and how much that server tells and does (RFC 9110). */
export interface ServedFile {
  readonly content: string | Buffer;
  readonly etag?: string;
  readonly modified?: Date;
  /** Serves parts of it. */
  readonly ranges?: boolean;
  /** Sends it compressed on the way, asked for or not. */
  readonly gzipped?: boolean;
  /** Keeps its length to itself, as programs do that make a file while they send it. */
  readonly chunked?: boolean;
  /** `user:password` that it is given for. */
  readonly login?: string;
}

export interface FileServer extends AsyncDisposable {
  readonly url: string;
  /** By path: `/orders.csv`. */
  readonly files: Map<string, ServedFile>;
  /** Methods and paths with queries, in order. */
  readonly requests: readonly string[];
}

export async function startFileServer(): Promise<FileServer> {
  const files = new Map<string, ServedFile>();
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    const { pathname } = new URL(request.url ?? '/', 'http://host');
    serve(files.get(decodeURIComponent(pathname)), request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, LOOPBACK, resolve));
  return {
    url: `http://${LOOPBACK}:${(server.address() as AddressInfo).port}`,
    files,
    requests,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function serve(file: ServedFile | undefined, request: IncomingMessage, response: ServerResponse): void {
  if (file === undefined) return void response.writeHead(404).end();
  const { etag, modified, ranges, gzipped, chunked, login } = file;
  const expected = login && `Basic ${Buffer.from(login).toString('base64')}`;
  if (expected !== undefined && request.headers.authorization !== expected) return void response.writeHead(401).end();
  if (etag !== undefined) response.setHeader('etag', etag);
  if (modified !== undefined) response.setHeader('last-modified', modified.toUTCString());
  const content = gzipped ? gzipSync(file.content) : Buffer.from(file.content);
  if (gzipped) response.setHeader('content-encoding', 'gzip');
  const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
  if (!ranges || from === undefined) {
    if (!chunked) response.setHeader('content-length', content.length);
    return void response.end(content);
  }
  const [start, end] = [Number(from), Math.min(to ? Number(to) : Infinity, content.length - 1)];
  if (start >= content.length) {
    return void response.writeHead(416, { 'content-range': `bytes */${content.length}` }).end();
  }
  response.writeHead(206, {
    'content-range': `bytes ${start}-${end}/${content.length}`,
    'content-length': end - start + 1,
  });
  response.end(content.subarray(start, end + 1));
}
