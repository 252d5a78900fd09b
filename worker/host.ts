import os from 'node:os';
import { configuredServer } from './dev-server/configured-server.ts';

/** The name of this machine among those that work for one server: `DATIVO_HOST`, else its host name. */
export function hostName(env: NodeJS.ProcessEnv): string {
  return env['DATIVO_HOST'] || os.hostname();
}

/**
 * The host that a job is bound to whose files are on this machine; undefined where every worker is on this machine
 * anyway, because the server is the dev server of a folder.
 */
export async function bindingHost(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  return (await configuredServer(env)) === undefined ? undefined : hostName(env);
}
