import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestProject } from 'vitest/node';
import { acquireServer } from '../../worker/dev-server/dev-server.ts';
import type { TestServer } from './temporal.ts';

declare module 'vitest' {
  interface ProvidedContext {
    readonly temporal: TestServer;
  }
}

/**
 * One Temporal server for all tests that need one, found as the product finds it: TEMPORAL_ADDRESS, or the dev server,
 * built once where it cannot be had otherwise. No server is a failure, never a skip.
 */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const home = await mkdtemp(path.join(tmpdir(), 'dativo-test-'));
  const announce = (line: string) => process.stderr.write(`${line}\n`);
  const forget = () => rm(home, { recursive: true });
  const server = await acquireServer({ home, announce, env: process.env }).catch(async (error: unknown) => {
    await forget();
    throw error;
  });
  const { address, namespace, uiUrl } = server;
  project.provide('temporal', { address, namespace, home, ...(uiUrl === undefined ? {} : { uiUrl }) });
  return async () => {
    await server.release();
    await forget();
  };
}
