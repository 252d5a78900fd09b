import type { AddressInfo, Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import { LOOPBACK } from '../../worker/dev-server/ports.ts';

export interface CutProxy extends AsyncDisposable {
  readonly port: number;
  /**
   * The next bytes of the client that hold this text still reach the server, and what it answers is lost with the
   * connection.
   */
  loseAnswerTo(text: string): void;
}

/** Stands before a server that speaks any protocol. */
export async function startCutProxy(port: number): Promise<CutProxy> {
  const sockets = new Set<Socket>();
  let fatal: string | undefined;
  const server = createServer((client) => {
    const upstream = connect(port, LOOPBACK);
    let answers = true;
    const cut = () => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', cut).on('close', cut);
    }
    client.on('data', (bytes) => {
      if (fatal !== undefined && bytes.includes(fatal)) {
        answers = false;
        fatal = undefined;
      }
      upstream.write(bytes);
    });
    upstream.on('data', (bytes) => {
      if (answers) client.write(bytes);
      else cut();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, LOOPBACK, resolve));
  return {
    port: (server.address() as AddressInfo).port,
    loseAnswerTo(text) {
      fatal = text;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
