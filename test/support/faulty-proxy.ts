import { createServer, request as forward } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { LOOPBACK } from '../../worker/dev-server/ports.ts';

/** What becomes of a call on its way through the proxy. */
export type Fault =
  /** Answered with 503; the server never sees it. */
  | 'refused'
  /** The connection is cut before the server sees it. */
  | 'cut before'
  /** The server does what it is asked for, and its answer is lost with the connection. */
  | 'answer lost'
  /** The server does what it is asked for, and the answer is 500. */
  | 'failed after'
  /** The connection is cut half-way through the answer's body. */
  | 'cut within'
  /** The connection is cut between the answer's headers and its body. */
  | 'cut at body'
  /** Nothing ever comes back, and the server never sees it. */
  | 'stalled';

export interface Call {
  /** From 1. */
  readonly number: number;
  readonly method: string;
  /** Path and query. */
  readonly url: string;
}

export interface FaultyProxy extends AsyncDisposable {
  readonly url: string;
  /** Faults so far, in order. */
  readonly faults: readonly Fault[];
  readonly calls: number;
  /** In the bodies of the server's answers. */
  readonly bytes: number;
}

const FAILURES: readonly Fault[] = ['refused', 'cut before', 'answer lost', 'failed after', 'cut within'];

/** One call in ten fails, in each way in turn, and one in a hundred stalls. */
export function someFail({ failOneIn = 10, stallOneIn = 100 } = {}): (call: Call) => Fault | undefined {
  return ({ number }) => {
    if (number % stallOneIn === 0) return 'stalled';
    return number % failOneIn === 0 ? FAILURES[(number / failOneIn) % FAILURES.length] : undefined;
  };
}

/**
 * Stands before an HTTP server and lets some calls go wrong, as `faultOf` says. Calls pass with their own `Host`, so
 * that signatures hold.
 */
export async function startFaultyProxy(
  target: string,
  faultOf: (call: Call) => Fault | undefined,
): Promise<FaultyProxy> {
  const { hostname, port } = new URL(target);
  const faults: Fault[] = [];
  const sockets = new Set<Socket>();
  let calls = 0;
  let bytes = 0;
  const server = createServer(async (incoming, outgoing) => {
    calls += 1;
    const { method = 'GET', url = '/', headers, socket } = incoming;
    const fault = faultOf({ number: calls, method, url });
    if (fault !== undefined) faults.push(fault);
    if (fault === 'cut before') return void socket.destroy();
    const content = await buffer(incoming);
    if (fault === 'stalled') return;
    if (fault === 'refused') return void outgoing.writeHead(503).end();
    const answer = forward({ hostname, port, method, path: url, headers, agent: false }, async (response) => {
      const body = await buffer(response);
      bytes += body.length;
      if (fault === 'answer lost') return void socket.destroy();
      if (fault === 'failed after') return void outgoing.writeHead(500).end();
      outgoing.writeHead(response.statusCode ?? 502, response.headers);
      // An answer without a body cannot be cut within.
      const share = fault === 'cut within' ? 0.5 : fault === 'cut at body' ? 0 : 1;
      if (share === 1 || body.length < 2) return void outgoing.end(body);
      outgoing.flushHeaders();
      outgoing.write(body.subarray(0, body.length * share), () => socket.destroy());
    });
    answer.on('error', () => socket.destroy());
    answer.end(content);
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket)).on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, LOOPBACK, resolve));
  return {
    url: `http://${LOOPBACK}:${(server.address() as AddressInfo).port}`,
    faults,
    get calls() {
      return calls;
    },
    get bytes() {
      return bytes;
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
