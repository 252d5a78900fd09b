import { afterAll, beforeAll } from 'vitest';
import { freePorts, LOOPBACK } from '../../worker/dev-server/ports.ts';
import { pythonWith } from './python-environment.ts';
import { startServerProcess } from './server-process.ts';
import { started } from './temporal.ts';

const INSTALLED_WITHIN_MS = 10 * 60_000;

export interface AwsServer extends AsyncDisposable {
  readonly endpoint: string;
}

/** Stands in for AWS: what moto knows of Secrets Manager. It checks no signature. */
export async function startMoto(): Promise<AwsServer> {
  const python = await pythonWith({
    name: 'moto',
    packages: ['moto[secretsmanager]==5.2.5', 'flask==3.*', 'flask-cors==6.*'],
    purpose: 'to let moto stand in for AWS',
    variable: 'DATIVO_TEST_MOTO_PYTHON',
  });
  const [port = 0] = await freePorts(1);
  const endpoint = `http://${LOOPBACK}:${port}`;
  const server = await startServerProcess({
    command: python,
    args: ['-c', 'from moto.server import main; main()', '-H', LOOPBACK, '-p', String(port)],
    readyAt: `${endpoint}/moto-api/`,
    readyWithinMs: 60_000,
  });
  return { endpoint, [Symbol.asyncDispose]: () => server.kill() };
}

/** A server for the tests of one file, stopped after them. */
export function useMoto(): () => AwsServer {
  let server: AwsServer | undefined;
  beforeAll(async () => {
    server = await startMoto();
  }, INSTALLED_WITHIN_MS);
  afterAll(() => server?.[Symbol.asyncDispose]());
  return () => started(server);
}
