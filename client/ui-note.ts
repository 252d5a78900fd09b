import type { CommandContext } from './command.ts';
import { homeFolder } from './home.ts';
import { painter } from './terminal.ts';

/**
 * Whether a link to a run opens when the command has ended: asked after its session. Undefined where there is no link,
 * or where the server is somebody else's.
 */
export async function linkOpens(context: CommandContext, links: readonly (string | undefined)[]) {
  const { configuredServer } = await import('../worker/dev-server/configured-server.ts');
  if (links.every((link) => link === undefined) || (await configuredServer(context.env))) return undefined;
  const { isServerRunning } = await import('../worker/dev-server/dev-server.ts');
  return isServerRunning(homeFolder(context));
}

/** What to do about links that do not open, because their server has ended with the command. */
export function endedServerWords({ env, terminal }: CommandContext, links: number): string {
  const { bold } = painter(terminal.out.isColoured);
  const opens = links === 1 ? 'the link opens' : 'the links open';
  return `That server has ended with this command; ${bold(`${launcher(env)}dativo dev`)} keeps it and its UI up: then ${opens}.`;
}

/** Where npm started the command, `dativo` alone is not on the PATH. */
export function launcher(env: NodeJS.ProcessEnv): string {
  return env['npm_command'] === undefined ? '' : 'npx ';
}
