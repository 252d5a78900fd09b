import { acquireServer } from '../../../worker/dev-server/dev-server.ts';

/**
 * A command in a test's hands: uses the dev server of the folder given as the argument, says so with one line of
 * JSON, and lets go when its standard input ends.
 */
const [home = '', binary = '', port = ''] = process.argv.slice(2);
const server = await acquireServer({
  home,
  announce: () => {},
  env: process.env,
  locate: async () => binary,
  ...(port === '' ? {} : { ports: { port: Number(port) } }),
}).catch((error: unknown) => {
  process.stdout.write(
    `${JSON.stringify({ error: error instanceof Error && 'code' in error ? error.code : String(error) })}\n`,
  );
  process.exit(1);
});
void server.lost.then((error) => {
  process.stdout.write(`${JSON.stringify({ lost: error.code })}\n`);
  process.exit(1);
});
process.stdout.write(`${JSON.stringify({ address: server.address, uiUrl: server.uiUrl })}\n`);
process.stdin.resume();
process.stdin.once('end', () => void server.release().then(() => process.exit(0)));
