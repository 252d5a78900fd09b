import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, inject } from 'vitest';

/** The Temporal server of the suite. Only files named `*.server.test.ts` have one. */
export interface TestServer {
  readonly address: string;
  readonly namespace: string;
  /** Folder of the server's state; given as DATIVO_HOME, commands share this server. */
  readonly home: string;
  readonly uiUrl?: string;
}

export function temporalServer(): TestServer {
  return inject('temporal');
}

/** A client for the tests of one file, closed after them. Call at the top of the file; use the result inside tests. */
export function useClient(): () => Client {
  let connection: Connection | undefined;
  let client: Client | undefined;
  beforeAll(async () => {
    const { address, namespace } = temporalServer();
    connection = await Connection.connect({ address });
    client = new Client({ connection, namespace });
  });
  afterAll(async () => {
    await connection?.close();
  });
  return () => started(client);
}

/** The resource, once the hook that makes it has run. */
export function started<T>(resource: T | undefined): T {
  if (resource === undefined) throw new Error('used before the tests of the file began');
  return resource;
}
