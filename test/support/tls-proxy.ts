import { once } from 'node:events';
import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { connect, createSecureServer } from 'node:http2';
import type { Certificate } from './certificates.ts';

export interface TlsProxyOptions {
  /** `host:port` of a server that speaks HTTP/2 without TLS. */
  readonly target: string;
  readonly server: Certificate;
  /** PEM of the authority that clients must have a certificate of; nobody needs one without it. */
  readonly clientAuthority?: string;
  /** What clients must show as their bearer token; nothing without it. */
  readonly apiKey?: string;
  /** Ends of the paths of calls that clients may not make. */
  readonly forbids?: readonly string[];
}

export interface TlsProxy extends AsyncDisposable {
  readonly address: string;
}

const PERMISSION_DENIED = 7;
const UNAUTHENTICATED = 16;

function refuse(stream: ServerHttp2Stream, status: number): void {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': status }, { endStream: true });
}

/** A server of a cluster as it is seen from outside: TLS, client certificates and API keys before the real one. */
export async function startTlsProxy({
  target,
  server,
  clientAuthority,
  apiKey,
  forbids = [],
}: TlsProxyOptions): Promise<TlsProxy> {
  const upstream = connect(`http://${target}`);
  const proxy = createSecureServer({
    ...server,
    ...(clientAuthority === undefined ? {} : { ca: clientAuthority, requestCert: true, rejectUnauthorized: true }),
  });
  const sessions = new Set<{ destroy(): void }>();
  proxy.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
  });
  proxy.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    if (apiKey !== undefined && headers.authorization !== `Bearer ${apiKey}`) refuse(stream, UNAUTHENTICATED);
    else if (forbids.some((call) => headers[':path']?.endsWith(call))) refuse(stream, PERMISSION_DENIED);
    else forward(stream, headers);
  });

  function forward(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    const request = upstream.request({ ...headers, ':scheme': 'http', ':authority': target });
    let trailers: OutgoingHttpHeaders = {};
    request.on('error', () => stream.destroy());
    stream.on('close', () => request.destroy());
    stream.pipe(request);
    request.on('response', (answer) => {
      // An answer of headers alone has its status in them.
      const isWhole = answer['grpc-status'] !== undefined;
      stream.respond(answer, isWhole ? { endStream: true } : { waitForTrailers: true });
      if (!isWhole) request.pipe(stream);
    });
    request.on('trailers', (received) => {
      trailers = { ...received };
    });
    stream.on('wantTrailers', () => stream.sendTrailers(trailers));
  }

  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const place = proxy.address();
  if (place === null || typeof place === 'string') throw new Error('the proxy has no port');
  return {
    address: `127.0.0.1:${place.port}`,
    async [Symbol.asyncDispose]() {
      for (const session of sessions) session.destroy();
      upstream.destroy();
      proxy.close();
    },
  };
}
