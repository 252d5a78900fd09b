import { createServer } from 'node:net';
import { hasErrnoCode } from '../../contracts/errors.ts';

/** Everything of the dev server listens on this machine alone. */
export const LOOPBACK = '127.0.0.1';

/** True when nothing listens on the port of this machine's loopback address and this user may listen there. */
export async function isPortFree(port: number): Promise<boolean> {
  try {
    await listenOnce(port);
    return true;
  } catch (error) {
    if (hasErrnoCode(error)) return false;
    throw error;
  }
}

/**
 * As many different free ports as asked for. Nothing reserves them afterwards: whoever uses one must be ready to
 * find it taken.
 */
export async function freePorts(count: number): Promise<number[]> {
  const found: { port: number; close: () => Promise<void> }[] = [];
  try {
    // Held open until all are found, so that no port is found twice.
    for (let i = 0; i < count; i++) found.push(await listen(0));
    return found.map(({ port }) => port);
  } finally {
    await Promise.all(found.map(({ close }) => close()));
  }
}

async function listenOnce(port: number): Promise<void> {
  await (await listen(port)).close();
}

function listen(port: number): Promise<{ port: number; close: () => Promise<void> }> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: LOOPBACK, port }, () => {
      const address = server.address();
      resolve({
        port: typeof address === 'object' && address !== null ? address.port : port,
        close: () => new Promise((closed) => server.close(() => closed())),
      });
    });
  });
}
